-- Triggers and event triggers. Those on ks.audited change copied rows if they fire.
create table ks.audited (id int primary key, t text, n int);
create table ks.audit (id bigserial primary key, what text);
create function ks.spoil() returns trigger language plpgsql as $$ begin new.t := new.t || '!'; return new; end $$;
create function ks.audit() returns trigger language plpgsql as $$
begin
  insert into ks.audit (what) values (tg_name || ' ' || tg_op || ' ' || tg_nargs);
  return null;
end $$;
insert into ks.audited select i, 'text ' || i, i from generate_series(1, 100) i;

create trigger spoil_always before insert or update on ks.audited for each row execute function ks.spoil();
alter table ks.audited enable always trigger spoil_always;
create trigger "Spoil; again" before insert on ks.audited for each row when (new.t <> 'it''s') execute function ks.spoil();
create trigger on_replicas before insert on ks.audited for each row execute function ks.spoil();
alter table ks.audited enable replica trigger on_replicas;
create trigger off before insert on ks.audited for each row execute function ks.spoil();
alter table ks.audited disable trigger off;
create trigger of_columns after update of t, n on ks.audited for each row when (old.* is distinct from new.*) execute function ks.audit('an', 'it''s', E'new\nline');
create trigger statements after insert or update or delete or truncate on ks.audited for each statement execute function ks.audit();
create trigger transitions after update on ks.audited referencing old table as old_rows new table as "New Rows" for each statement execute function ks.audit();
create constraint trigger checked_later after insert on ks.audited from ks.audit deferrable initially deferred for each row execute function ks.audit();
comment on trigger spoil_always on ks.audited is 'it''s "always"';

create trigger on_partitions after insert on ks.events for each row execute function ks.audit();
alter table ks.events_2023 disable trigger on_partitions;
create function ks.instead() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger instead instead of insert or update on ks.over_views for each row execute function ks.instead();

create function ks.on_ddl() returns event_trigger language plpgsql as $$ begin perform 1; end $$;
create event trigger ks_on_end on ddl_command_end when tag in ('CREATE TABLE', 'ALTER TABLE') execute function ks.on_ddl();
create event trigger "ks; on ""drop""" on sql_drop execute function ks.on_ddl();
create event trigger ks_off on table_rewrite execute function ks.on_ddl();
create event trigger ks_always on ddl_command_start execute function ks.on_ddl();
alter event trigger ks_off disable;
alter event trigger ks_always enable always;
comment on event trigger ks_on_end is 'it''s "over"';
