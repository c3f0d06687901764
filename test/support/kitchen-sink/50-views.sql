-- Views, materialized views, rules.
create view ks.adults as select id, name, born, mood from ks.people where born < '2006-01-01' with local check option;
create view ks.happy_adults with (security_barrier) as select * from ks.adults where mood = 'happy' with cascaded check option;
alter view ks.happy_adults alter column mood set default 'happy';
create view ks.over_functions as
  select p."the key", p."Value", s.s, ks.add(p."the key", s.s) as added from ks.pairs(3) p, ks.series(2) s;
create view ks.over_views as select a.name, f."Value" from ks.adults a left join ks.over_functions f on f."the key" = a.id;
create recursive view ks.chain (id, boss, depth) as
  select id, boss, 1 from ks.people where boss is null
  union all
  select p.id, p.boss, c.depth + 1 from ks.people p join chain c on c.id = p.boss;
create view "Weird ""Schema"" with.dots"."View; ""x"" --" as
  select 'it''s; $$'::text as "Column ""1""", row(1, 'x')::text as r, array[1, 2]::int[] as a, $_$ ; -- $_$::text as d;
-- Depends on the primary key, so it can be created completely only after that.
create view ks.grouped as select p.id, p.name, p.born, count(*) as n from ks.people p left join ks.orders o on o.person = p.id group by p.id;
create view ks.over_grouped as select * from ks.grouped where n > 0;
create view ks.renamed as select t.a as first_name, t.b from ks.identity_full t;
alter table ks.identity_full rename column b to "renamed; later";
alter view ks.over_views owner to ks_owner;
comment on view ks.adults is 'it''s for "adults"';
comment on column ks.adults.born is 'when';

-- The view depends on a function of the view's type: a cycle.
create view ks.circle as select 1 as a, 'x'::text as b;
create function ks.circle_rows() returns setof ks.circle language sql as $$ select 1, 'x'::text $$;
create or replace view ks.circle as select a, b from ks.circle_rows();

-- The function of a column's default depends on a view.
create view ks.defaults as select 'from a view'::text as t;
create function ks.default_of_view() returns text language plpgsql stable as $$ begin return (select t from ks.defaults); end $$;
create table ks.with_defaults (id int primary key default ks.add(1, 2), t text default ks.default_of_view());

create materialized view ks.totals as select person, sum(amount) as total, count(*) as n from ks.orders group by person;
create unique index totals_person on ks.totals (person);
create materialized view ks.grand_total as select sum(total) as total, max(n) as most from ks.totals;
create materialized view ks.unpopulated as select * from ks.totals with no data;
create index unpopulated_index on ks.unpopulated (n);
create materialized view ks.grouped_too with (fillfactor = 50) as select p.id, p.name, count(o.*) as n from ks.people p left join ks.orders o on o.person = p.id group by p.id;
create materialized view ks.by_other_method using ks_heap as select 1 as one;
create view ks.over_totals as select * from ks.totals join ks.grand_total using (total);
-- Its refresh runs as this owner, who must be allowed to read the tables below.
create materialized view ks.births as select born, count(*) as n from ks.people group by born;
alter materialized view ks.births owner to ks_owner;
alter materialized view ks.totals alter column total set statistics 300;
comment on materialized view ks.totals is 'as of the last "refresh"';
comment on column ks.totals.n is 'how many';

create table ks.rule_log (what text);
create rule "insert; instead" as on insert to ks.grouped do instead insert into ks.rule_log values ('it''s ' || new.name);
create rule also as on update to ks.egg where new.id <> old.id do also (insert into ks.rule_log values ('a'); delete from ks.rule_log where what = 'b');
create rule forbidden as on delete to ks.egg do instead nothing;
create rule redirected as on insert to ks.storage do instead insert into ks.rule_log values (new.plain);
alter table ks.egg disable rule forbidden;
alter table ks.storage disable rule redirected;
comment on rule also on ks.egg is 'too';
