create function ks.standard_body(a int, b text default 'x;y') returns table (i int, t text) language sql
begin atomic
  select a + 1, b || '; it''s';
  select n, b from generate_series(1, a) n;
end;
create function ks.returns_sum(a int, b int) returns int language sql immutable return a + ks.add(b);
create procedure ks.answers(in a int, out b int) language sql begin atomic select a * 2; end;
create function ks.compatible(anycompatible, anycompatiblearray) returns anycompatible language sql as 'select $1';
comment on function ks.standard_body(int, text) is 'parsed when made';
