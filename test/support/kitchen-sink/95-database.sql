-- Properties of the database. The settings change the text of values in every new session: programs that read or
-- write rows as text must set their own.
do $$
declare
  this text := quote_ident(current_database());
begin
  execute format('comment on database %s is %L', this, 'it''s "the" database; 🐘');
  execute format('alter database %s owner to ks_owner', this);
  execute format('grant connect, temporary on database %s to "ks ""reader""" with grant option', this);
  execute format('revoke temporary on database %s from public', this);
  execute format('alter database %s connection limit 90', this);
  execute format('alter database %s set search_path to ks, "$user", public, "Weird ""Schema"" with.dots"', this);
  execute format('alter database %s set datestyle to ''German, DMY''', this);
  execute format('alter database %s set intervalstyle to sql_standard', this);
  execute format('alter database %s set timezone to ''Asia/Kolkata''', this);
  execute format('alter database %s set extra_float_digits to 0', this);
  execute format('alter database %s set bytea_output to escape', this);
  execute format('alter database %s set work_mem to ''3MB''', this);
  execute format('alter database %s set ks.custom to %L', this, 'it''s; "custom"');
  execute format('alter role ks_login in database %s set statement_timeout to ''5min''', this);
  execute format('alter role "ks ""reader""" in database %s set search_path to "select", ks', this);
end $$;
