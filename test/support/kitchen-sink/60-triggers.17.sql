create event trigger ks_on_login on login execute function ks.on_ddl();
