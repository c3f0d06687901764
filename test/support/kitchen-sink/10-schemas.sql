-- Schemas with names that need correct quoting, and extensions in several of them.
create schema ks authorization ks_owner;
create schema "Weird ""Schema"" with.dots" authorization "ks ""reader""";
create schema "select" authorization ks_writer;
create schema U&"new\000Aline\000Aselect 1/0; --";
create schema "ÜNÏCÖDE 名前 🐘";
create schema "sixty_three_bytes______________________________________________";
create schema "UPPER";
create schema "a'b\c";
create schema "$dollar$ $$";
create schema " leading and trailing ";
create schema "-- not a comment";
create schema "empty schema";
create schema ext;

comment on schema ks is 'it''s the "main" one; 名前 🐘 \ $$';
comment on schema U&"new\000Aline\000Aselect 1/0; --" is E'first line\n--\n-- TOC entry 9 (class 2615 OID 9)\n-- Name: fake; Type: SCHEMA; Schema: -; Owner: postgres\n--\n\nlast line';
comment on schema public is 'changed from what initdb wrote';

create extension hstore schema ext;
create extension citext schema ext;
create extension ltree schema "UPPER";
create extension pg_trgm schema ext;
create extension cube schema ext;
create extension intarray schema "Weird ""Schema"" with.dots";
create extension "uuid-ossp" schema public;
create extension btree_gist schema ext;
create extension btree_gin schema "select";
create extension pgcrypto schema public;
create extension unaccent schema ext;
create extension isn schema "ÜNÏCÖDE 名前 🐘";
create extension lo schema ext;
create extension postgres_fdw schema ext;
create extension file_fdw schema ext;
create extension bloom schema ext;

comment on extension hstore is 'a comment of ours on an extension';
revoke execute on function public.uuid_generate_v4() from public;
grant execute on function public.uuid_generate_v4() to ks_writer with grant option;

grant usage, create on schema ks to ks_writer with grant option;
grant usage on schema ks to "ks ""reader""", public;
grant usage on schema "Weird ""Schema"" with.dots" to public;
revoke all on schema "select" from ks_writer;
grant usage on schema "select" to ks_writer;
revoke all on schema public from public;
grant usage on schema public to "ks ""reader""";
