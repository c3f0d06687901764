-- Partitioned tables: by range, list and hash, three levels deep.
create table ks.events (
  at timestamptz not null, region text, id bigint not null, kind ks.mood default 'ok', payload jsonb,
  constraint events_key primary key (at, region, id)
) partition by range (at);
create table ks.events_2023 partition of ks.events for values from (minvalue) to ('2024-01-01');
create table ks.events_2024 partition of ks.events for values from ('2024-01-01') to ('2025-01-01') partition by list (region);
create table ks.events_2024_eu partition of ks.events_2024 for values in ('eu', 'it''s "eu"') partition by hash (id);
create table ks.events_2024_eu_0 partition of ks.events_2024_eu for values with (modulus 2, remainder 0);
create table ks.events_2024_eu_1 partition of ks.events_2024_eu for values with (modulus 2, remainder 1) with (fillfactor = 80);
create table "Weird ""Schema"" with.dots"."events 2024, us" partition of ks.events_2024 (kind default 'happy') for values in ('us');
create table ks.events_2024_rest partition of ks.events_2024 default;
create table ks.events_rest partition of ks.events default;

-- Attached, with its columns in another order and one dropped.
create table ks.events_2025 (
  dropped int, payload jsonb, kind ks.mood, id bigint not null, region text not null, at timestamptz not null,
  constraint "its own" check (id > 0)
);
alter table ks.events_2025 drop column dropped;
create index events_2025_by_region on ks.events_2025 (region);
create index events_by_region on only ks.events (region);
insert into ks.events_2025 select null, 'sad', i, 'eu', '2025-01-01'::timestamptz + i * interval '1 hour' from generate_series(1, 50) i;
alter table ks.events attach partition ks.events_2025 for values from ('2025-01-01') to ('2026-01-01');
alter index ks.events_by_region attach partition ks.events_2025_by_region;
create index events_by_kind on ks.events (kind) where kind <> 'sad';
alter table ks.events owner to ks_owner;
alter table ks.events_2024_eu_1 owner to ks_writer;
comment on table ks.events is 'by year';
comment on table ks.events_2024_eu_1 is 'a leaf';
comment on index ks.events_by_kind is 'on all';
insert into ks.events
select '2023-06-01'::timestamptz + i * interval '13 hours',
       (array['eu', 'us', 'it''s "eu"', '', 'asia'])[i % 5 + 1], i, 'ok', jsonb_build_object('i', i)
from generate_series(1, 2000) i;

-- Foreign keys to a partitioned table and from one.
create table ks.event_notes (at timestamptz, region text, id bigint, note text, foreign key (at, region, id) references ks.events on delete cascade);
insert into ks.event_notes select at, region, id, 'note ' || id from ks.events where id % 100 = 0;
create table ks.visits (person int references ks.people, day date, unique (person, day)) partition by hash (person);
create table ks.visits_0 partition of ks.visits for values with (modulus 3, remainder 0);
create table ks.visits_1 partition of ks.visits for values with (modulus 3, remainder 1);
create table ks.visits_2 partition of ks.visits for values with (modulus 3, remainder 2);

-- The hash of an enum is that of its OID: on another server the rows belong to other partitions.
create table ks.by_mood (mood ks.mood, n int) partition by hash (mood);
create table ks.by_mood_0 partition of ks.by_mood for values with (modulus 3, remainder 0);
create table ks.by_mood_1 partition of ks.by_mood for values with (modulus 3, remainder 1);
create table ks.by_mood_2 partition of ks.by_mood for values with (modulus 3, remainder 2);
insert into ks.by_mood select m, i from unnest(enum_range(null::ks.mood)) m, generate_series(1, 5) i;

create table ks.many_keys (a int, b text, c date) partition by range (a, lower(b) collate ks.c_like, c);
create table ks.many_keys_low partition of ks.many_keys for values from (minvalue, minvalue, minvalue) to (10, 'm', '2024-01-01');
create table ks.many_keys_high partition of ks.many_keys for values from (10, 'm', '2024-01-01') to (maxvalue, maxvalue, maxvalue);
insert into ks.many_keys select i, chr(97 + i), '2024-01-01'::date + i from generate_series(0, 20) i;
create table ks.with_null (a text) partition by list (a);
create table "Weird ""Schema"" with.dots"."none, or 'x'" partition of ks.with_null for values in (null, 'x');
insert into ks.with_null values (null), ('x');
create table ks.no_partitions (a int primary key) partition by list (a);
