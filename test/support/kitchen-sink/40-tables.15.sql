create table ks.one_null (a int, b int, unique nulls not distinct (a, b));
insert into ks.one_null values (1, null), (null, null), (null, 1);
create table ks.tenants (tenant int, id int, primary key (tenant, id));
create table ks.posts (
  tenant int, id int, author int, primary key (tenant, id),
  foreign key (tenant, author) references ks.tenants on delete set null (author)
);
insert into ks.tenants select t, i from generate_series(1, 3) t, generate_series(1, 3) i;
insert into ks.posts select t, i, i from generate_series(1, 3) t, generate_series(1, 3) i;
create unlogged sequence ks.unlogged_numbers;
select nextval('ks.unlogged_numbers');
create unlogged table ks.unlogged_serial (id int generated always as identity);
insert into ks.unlogged_serial default values;
