-- Functions in several languages, and objects that consist of functions.
create function ks.language_handler() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
create function ks.language_inline(internal) returns void language c strict as '$libdir/plpgsql', 'plpgsql_inline_handler';
create function ks.language_validator(oid) returns void language c strict as '$libdir/plpgsql', 'plpgsql_validator';
create trusted language ks_language handler ks.language_handler inline ks.language_inline validator ks.language_validator;
alter language ks_language owner to ks_owner;
comment on language ks_language is 'plpgsql under another name';
grant usage on language ks_language to ks_writer;
revoke usage on language ks_language from public;

create function ks.add(a int, b int default 2) returns int language sql immutable strict parallel safe as 'select a + b';
create function ks.add(a text, b text default 'it''s "b"') returns text language sql immutable as $$ select a || b $$;
create function ks.add(variadic numbers numeric[]) returns numeric
  language sql immutable cost 7 leakproof as 'select sum(n) from unnest(numbers) n';
create function ks.divide(inout a int, in by int, out rest int) language plpgsql stable as $body$
begin
  rest := a % by;
  a := a / by;
end
$body$;
create function ks.series(upto int) returns setof int language sql rows 5 as 'select generate_series(1, upto)';
create function ks.pairs(n int) returns table ("the key" int, "Value" text)
  language sql stable as $$ select i, 'v' || i from generate_series(1, n) i $$;
create function ks.polymorphic(anyelement, anyarray) returns anyelement language sql immutable as 'select coalesce($1, $2[1])';
create function ks.same_as(int) returns int language internal immutable strict as 'int4abs';
create function ks.in_other_language(text) returns text language ks_language as $$ begin return $1; end $$;
create function ks.guarded() returns text language sql security definer
  set search_path to pg_catalog, ks, "Weird ""Schema"" with.dots", "$user"
  set work_mem to '5MB'
  set datestyle to 'German, DMY'
  as 'select current_setting(''search_path'')';
alter function ks.guarded() owner to ks_writer;

-- A body that looks like the output of pg_dump, and one with every kind of quote.
create function ks.looks_like_a_dump() returns text language plpgsql as $function$
begin
  -- it's unbalanced " ( here
  return $inner$
--
-- TOC entry 1 (class 1259 OID 1)
-- Dependencies: 5
-- Name: x; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.x (i integer);

--
-- Name: y; Type: VIEW; Schema: public; Owner: postgres
--
$inner$ || $_$ $$ ; \. \\ ' " $_$ || E'\\ \' ' || '
--
-- TOC entry 2 (class 1259 OID 2)
-- Name: "quoted"; Type: FUNCTION; Schema: -; Owner: -
--
';
  /* a comment; with $$ ' and /* another */ inside */
end
$function$;
create function "Weird ""Schema"" with.dots"."Function; (with) ""odd"" name"("Arg 1" int, "select" "Weird ""Schema"" with.dots"."Type; drop" default 'x')
  returns text language sql as $_X$ select '$$' || $1 || ';' || $2::text || '$_$' $_X$;
create function U&"new\000Aline\000Aselect 1/0; --".U&"f\000A\005C. --"() returns int language sql as E'\n\nselect 1;\n\n';

create procedure ks.do_nothing(inout a int default 3, "B" text default null) language plpgsql as $$ begin a := a + 1; end $$;
create procedure ks.do_nothing(variadic ks.mood[]) language sql security definer as '';
alter procedure ks.do_nothing(int, text) owner to ks_owner;

comment on function ks.add(int, int) is E'adds; it''s "simple"\nand \\ quick';
comment on function ks.add(numeric[]) is 'any number of numbers';
comment on procedure ks.do_nothing(int, text) is 'nothing';
revoke execute on function ks.add(int, int) from public;
grant execute on function ks.add(int, int) to ks_writer with grant option;
grant execute on function ks.guarded() to "ks ""reader""";
revoke all on procedure ks.do_nothing(int, text) from public;

create aggregate ks.total(int) (sfunc = int4pl, stype = int, initcond = '0', sortop = >);
create aggregate ks.moving_sum(float8) (
  sfunc = float8pl, stype = float8, msfunc = float8pl, minvfunc = float8mi, mstype = float8, initcond = '0', minitcond = '0'
);
create aggregate ks.average(int8) (
  sfunc = int8_avg_accum, stype = internal, sspace = 48, finalfunc = numeric_poly_avg,
  combinefunc = int8_avg_combine, serialfunc = int8_avg_serialize, deserialfunc = int8_avg_deserialize, parallel = safe
);
create aggregate ks.percentile(float8 order by anyelement) (
  stype = internal, sfunc = ordered_set_transition, finalfunc = percentile_disc_final,
  finalfunc_extra, finalfunc_modify = read_write
);
create aggregate ks.would_rank(variadic "any" order by variadic "any") (
  stype = internal, sfunc = ordered_set_transition_multi, finalfunc = rank_final, finalfunc_extra, hypothetical
);
create aggregate ks.count_all(*) (sfunc = int8inc, stype = int8, initcond = '0');
alter aggregate ks.total(int) owner to ks_owner;
comment on aggregate ks.total(int) is 'all of it';
comment on aggregate ks.percentile(float8 order by anyelement) is 'ordered';
revoke execute on function ks.count_all() from public;

create function ks.row_number() returns int8 language internal window as 'window_row_number';

create function ks.whole_eq(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4eq';
create function ks.whole_ne(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4ne';
create function ks.whole_lt(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4lt';
create function ks.whole_le(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4le';
create function ks.whole_gt(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4gt';
create function ks.whole_ge(ks.whole, ks.whole) returns bool language internal immutable strict as 'int4ge';
create function ks.whole_compare(ks.whole, ks.whole) returns int language internal immutable strict as 'btint4cmp';
create function ks.whole_hash(ks.whole) returns int language internal immutable strict as 'hashint4';
create function ks.whole_lt_int(ks.whole, int) returns bool language internal immutable strict as 'int4lt';
create function ks.whole_compare_int(ks.whole, int) returns int language internal immutable strict as 'btint4cmp';
create function ks.whole_negate(ks.whole) returns ks.whole language internal immutable strict as 'int4um';

create operator ks.= (
  leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_eq, commutator = operator(ks.=), negator = operator(ks.<>),
  restrict = eqsel, join = eqjoinsel, hashes, merges
);
create operator ks.<> (leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_ne, commutator = operator(ks.<>), negator = operator(ks.=), restrict = neqsel, join = neqjoinsel);
create operator ks.< (leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_lt, commutator = operator(ks.>), negator = operator(ks.>=), restrict = scalarltsel, join = scalarltjoinsel);
create operator ks.<= (leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_le, commutator = operator(ks.>=), negator = operator(ks.>));
create operator ks.> (leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_gt, commutator = operator(ks.<), negator = operator(ks.<=));
create operator ks.>= (leftarg = ks.whole, rightarg = ks.whole, function = ks.whole_ge, commutator = operator(ks.<=), negator = operator(ks.<));
create operator ks.< (leftarg = ks.whole, rightarg = int, function = ks.whole_lt_int);
create operator ks.!~@# (rightarg = ks.whole, function = ks.whole_negate);
alter operator ks.< (ks.whole, int) owner to ks_owner;
comment on operator ks.= (ks.whole, ks.whole) is 'the "same"';
comment on operator ks.!~@# (none, ks.whole) is 'before';

create operator family ks.whole_family using btree;
create operator class ks.whole_order default for type ks.whole using btree family ks.whole_family as
  operator 1 ks.<, operator 2 ks.<=, operator 3 ks.=, operator 4 ks.>=, operator 5 ks.>,
  function 1 ks.whole_compare(ks.whole, ks.whole);
alter operator family ks.whole_family using btree add
  operator 1 ks.< (ks.whole, int), function 1 (ks.whole, int) ks.whole_compare_int(ks.whole, int);
create operator class ks.whole_hash_order default for type ks.whole using hash as
  operator 1 ks.=, function 1 ks.whole_hash(ks.whole);
create operator family ks."Empty Family" using gist;
alter operator family ks.whole_family using btree owner to ks_owner;
alter operator class ks.whole_order using btree owner to ks_writer;
comment on operator family ks.whole_family using btree is 'a family';
comment on operator class ks.whole_order using btree is 'a class';

create function ks.mood_to_int(ks.mood) returns int language sql immutable strict as 'select length($1::text)';
create cast (ks.mood as int) with function ks.mood_to_int(ks.mood) as assignment;
create cast (ks.whole as int) without function as implicit;
create cast (ks.address as ks.tagged) with inout;
comment on cast (ks.mood as int) is 'the length of its "name"';

create conversion ks.to_latin for 'UTF8' to 'LATIN1' from pg_catalog.utf8_to_iso8859_1;
alter conversion ks.to_latin owner to ks_owner;
comment on conversion ks.to_latin is 'westward';

create transform for int language sql (
  from sql with function prsd_lextype(internal), to sql with function int4recv(internal)
);
comment on transform for int language sql is 'never called';

create access method ks_heap type table handler heap_tableam_handler;
create access method ks_btree type index handler bthandler;
comment on access method ks_heap is 'heap under another name';
