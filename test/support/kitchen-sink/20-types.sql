-- Types of every kind.
create type ks.mood as enum ('sad', 'ok', 'it''s "fine", really; {x}', '', 'ÜNÏ 🐘', 'happy');
alter type ks.mood add value 'meh' before 'ok';
alter type ks.mood add value 'sixty_three_bytes______________________________________________' after 'sad';
create type ks.no_values as enum ();
alter type ks.mood owner to ks_owner;
comment on type ks.mood is 'how it''s going';
grant usage on type ks.mood to ks_writer with grant option;
revoke usage on type ks.mood from public;

-- Takes the name of the array type above, which gets another name.
create table ks._mood (id int primary key, moods ks.mood[]);

create collation ks.c_like (locale = 'C');
create collation ks.german_phonebook (provider = icu, locale = 'de-u-co-phonebk');
create collation ks.ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create collation ks."from existing" from "C";
alter collation ks.german_phonebook owner to ks_owner;
comment on collation ks.ignoring_case is 'a = A';

create type ks.address as (
  street text collate ks.german_phonebook,
  gone   int,
  "City" varchar(40),
  moods  ks.mood[]
);
alter type ks.address drop attribute gone;
alter type ks.address add attribute "post.code" char(5);
create type ks.nested as ("select" ks.address, others ks.address[], "at" timestamptz(3));
create type ks.hollow as ();
comment on type ks.address is 'where';
comment on column ks.address."City" is 'the City''s name';
alter type ks.address owner to ks_writer;

create domain ks.positive as int default 1 constraint "must be > 0" check (value > 0);
create domain ks.even_positive as ks.positive constraint even check (value % 2 = 0) not null;
create domain ks.email as ext.citext check (value ~ '^[^@]+@[^@]+$');
create domain ks.address_here as ks.address check ((value)."City" is distinct from 'elsewhere');
create domain ks.int_list as int[] check (array_length(value, 1) < 10);
create domain ks.good_mood as ks.mood default 'happy' check (value in ('ok', 'happy'));
create domain ks.name_c as varchar(20) collate ks.c_like;
alter domain ks.positive add constraint later check (value < 2000000000) not valid;
comment on domain ks.positive is 'more than "none"';
comment on constraint "must be > 0" on domain ks.positive is 'it says so';
grant usage on domain ks.positive to "ks ""reader""";
alter domain ks.email owner to ks_owner;

create type ks.float_range as range (subtype = float8, subtype_diff = float8mi);
create type ks.text_range as range (subtype = text, collation = ks.c_like, subtype_opclass = text_pattern_ops);
create type ks.int_steps;
create function ks.int_steps_canonical(ks.int_steps) returns ks.int_steps
  language internal immutable strict as 'int4range_canonical';
create type ks.int_steps as range (
  subtype = int4, canonical = ks.int_steps_canonical, subtype_diff = int4range_subdiff
);
comment on type ks.float_range is 'from, to';
alter type ks.text_range owner to ks_owner;

-- A base type with the server's C functions and its own delimiter.
create type ks.whole;
create function ks.whole_in(cstring) returns ks.whole language internal immutable strict as 'int4in';
create function ks.whole_out(ks.whole) returns cstring language internal immutable strict as 'int4out';
create function ks.whole_receive(internal) returns ks.whole language internal immutable strict as 'int4recv';
create function ks.whole_send(ks.whole) returns bytea language internal immutable strict as 'int4send';
create type ks.whole (
  input = ks.whole_in, output = ks.whole_out, receive = ks.whole_receive, send = ks.whole_send,
  like = pg_catalog.int4, category = 'N', default = '42', delimiter = ';'
);
comment on type ks.whole is 'an int in disguise';

-- One of variable length, with a modifier and a collation.
create type ks.tagged;
create function ks.tagged_in(cstring, oid, int4) returns ks.tagged language internal immutable strict as 'varcharin';
create function ks.tagged_out(ks.tagged) returns cstring language internal immutable strict as 'varcharout';
create function ks.tagged_modifier_in(cstring[]) returns int4 language internal immutable strict as 'varchartypmodin';
create function ks.tagged_modifier_out(int4) returns cstring language internal immutable strict as 'varchartypmodout';
create type ks.tagged (
  input = ks.tagged_in, output = ks.tagged_out,
  typmod_in = ks.tagged_modifier_in, typmod_out = ks.tagged_modifier_out,
  internallength = variable, alignment = int4, storage = extended, category = 'S', collatable = true
);
alter type ks.tagged owner to ks_owner;

create type ks.only_a_shell;
create type "Weird ""Schema"" with.dots"."Type; drop" as enum ('x');
