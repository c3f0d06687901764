alter table ks.storage alter main set compression pglz;
create statistics ks.expressions on lower(name), (id % 10) from ks.people;
create statistics ks.one_expression on (born + 1) from ks.people;
alter statistics ks.expressions set statistics 200;
create index brin_multi on ks.orders using brin (person int4_minmax_multi_ops (values_per_range = 16), at);
create table ks.spans (id int primary key, free ks."many spans", numbers int4multirange);
insert into ks.spans values
  (1, '{[2024-01-01,2024-01-02),[2024-02-01,)}', '{[1,3),[7,9)}'), (2, '{}', '{}'), (3, null, null);
create table ks.newer_types (id int primary key, x xid8, s pg_snapshot, c regcollation);
insert into ks.newer_types values (1, '18446744073709551615', '10:20:10,14,15', 'ks.german_phonebook'), (2, null, null, null);
