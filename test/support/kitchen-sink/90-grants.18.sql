alter default privileges for role ks_owner grant select on large objects to ks_login;
