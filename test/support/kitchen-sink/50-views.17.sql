create view ks.json_functions as
select jt.*, json_value('{"a": 1}'::jsonb, '$.a' returning int default 0 on empty) as a
from json_table('[{"x": 1, "y": "it''s"}]'::jsonb, '$[*]' columns (id for ordinality, x int path '$.x', y text path '$.y')) jt;
create function ks.merge_orders() returns setof text language sql begin atomic
  merge into ks.identity_full t using (values (1, 'x')) v(a, b) on t.a = v.a
  when matched then update set a = v.a when not matched then insert values (v.a, v.b)
  returning merge_action();
end;
