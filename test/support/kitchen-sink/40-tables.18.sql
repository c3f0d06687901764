create table ks.generated (
  id int primary key,
  n  int constraint "n is there" not null no inherit,
  twice int generated always as (n * 2) virtual,
  stored int generated always as (n * 3) stored
);
insert into ks.generated values (1, 10), (2, 20);
create table ks.not_nulls (a int, b int not null, c int);
insert into ks.not_nulls values (null, 1, 1);
alter table ks.not_nulls add constraint "later" not null a not valid;
alter table ks.not_nulls add constraint "named c" not null c;
comment on constraint "named c" on ks.not_nulls is 'a constraint with a name';
create table ks.not_nulls_child (constraint "named here" not null c) inherits (ks.not_nulls);
create table ks.reservations (room int, during daterange, primary key (room, during without overlaps));
create table ks.reserved_extras (
  room int, during daterange, extra text,
  foreign key (room, period during) references ks.reservations (room, period during)
);
insert into ks.reservations values (1, '[2024-01-01,2024-02-01)'), (1, '[2024-02-01,2024-03-01)');
insert into ks.reserved_extras values (1, '[2024-01-15,2024-02-15)', 'sea view');
create table ks.not_enforced (
  id int check (id > 0) not enforced,
  boss int references ks.people not enforced
);
insert into ks.not_enforced values (-1, 424242);
