-- Foreign data. The server of postgres_fdw does not exist: its tables must not be read.
create foreign data wrapper ks_wrapper options (debug 'it''s on');
create server ks_server type 'odd' version '1.2''3' foreign data wrapper ks_wrapper options (host 'x', "Port" '1');
create server "ks; ""remote""" foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1', dbname 'no''where');
create server ks_files foreign data wrapper file_fdw;
create user mapping for public server ks_server;
create user mapping for ks_owner server "ks; ""remote""" options (user 'remote', password 'secret''s');
alter foreign data wrapper ks_wrapper options (add more 'x');
alter server ks_server owner to ks_owner;
comment on foreign data wrapper ks_wrapper is 'wraps "nothing"';
comment on server ks_server is 'it''s away';
grant usage on foreign data wrapper ks_wrapper to ks_owner with grant option;
grant usage on foreign server ks_server to "ks ""reader""";

create foreign table ks.remote (
  id int options (column_name 'i''d') not null, t text collate "C" default 'x', constraint positive check (id > 0)
) server "ks; ""remote""" options (schema_name 'public', table_name 'it''s "far"');
create foreign table ks.remote_animal (legs int) inherits (ks.animal) server ks_files options (program 'true', format 'csv');
create foreign table ks.remote_part partition of ks.many_keys default server ks_files options (program 'true', format 'csv', delimiter ';');
create trigger on_remote before insert on ks.remote for each row execute function ks.instead();
alter foreign table ks.remote owner to ks_owner;
comment on foreign table ks.remote is 'over there';
comment on column ks.remote.id is 'far';
