create view ks.search_and_cycle as
with recursive tree(id, boss) as (
  select id, boss from ks.people where boss is null
  union all
  select p.id, p.boss from ks.people p join tree t on t.id = p.boss
) search depth first by id set ordering cycle id set is_cycle using path
select id, boss, is_cycle from tree order by ordering;
create view ks.over_standard_body as select * from ks.standard_body(2);
