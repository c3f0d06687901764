-- Large objects: of a few megabytes, empty, with a gap, and with a number beyond int4.
select lo_from_bytea(424242, (select string_agg(sha256(i::text::bytea), '' order by i) from generate_series(1, 90000) i));
select lo_from_bytea(424243, '');
select lo_from_bytea(424244, '\x00010203ff5c27');
select lo_put(424244, 100000, 'after the hole');
select lo_from_bytea(3000000000, 'the number does not fit an int');
alter large object 424243 owner to ks_owner;
alter large object 424244 owner to "ks ""reader""";
grant select, update on large object 424242 to ks_writer with grant option;
grant select on large object 424244 to public;
comment on large object 424242 is 'it''s "large"; 🐘';
