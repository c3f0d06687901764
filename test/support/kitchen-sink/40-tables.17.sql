create table ks.parted_method (id int generated always as identity, part int) partition by list (part) using ks_heap;
create table ks.parted_method_1 partition of ks.parted_method for values in (1);
create table ks.parted_method_2 partition of ks.parted_method for values in (2) using heap;
insert into ks.parted_method (part) values (1), (2), (1);
alter table ks.parted_method_1 alter column part set statistics 5;
