// The databases of the browser tests: a small shop, and a destination that refuses one of its tables.
import type { Cluster, TestDatabase } from '../../tools/servers/clusters.ts'

export const orderRows = 5_000
export const logRows = 30_000

export async function makeShop(cluster: Cluster): Promise<TestDatabase> {
  const shop = await cluster.createDatabase()
  await shop.sql(`
    create type mood as enum ('good', 'bad');
    create table customers (
      id integer generated always as identity primary key,
      name text not null,
      mood mood default 'good',
      since date
    );
    create table orders (
      id integer primary key,
      customer integer not null references customers,
      total numeric(10, 2) not null
    );
    create table payments (id integer primary key, amount integer);
    create table visits (at timestamptz, page text) partition by range (at);
    create table visits_2023 partition of visits for values from ('2023-01-01') to ('2024-01-01');
    create table visits_2024 partition of visits for values from ('2024-01-01') to ('2025-01-01');
    create view big_orders as select * from orders where total > 100;
    create materialized view totals as select customer, sum(total) from orders group by 1;
    create function greet(who text) returns text language sql as $$ select 'hello ' || who $$;
    create function stamp() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger stamp before insert on orders for each row execute function stamp();
    create index orders_by_customer on orders (customer);
    create schema audit;
    create table audit.log (id bigserial primary key, line text);
    insert into customers (name, since) select 'customer ' || i, '2020-01-01' from generate_series(1, 500) i;
    insert into orders select i, 1 + i % 500, i % 500 from generate_series(1, ${orderRows}) i;
    insert into payments select i, i from generate_series(1, 500) i;
    insert into visits select timestamptz '2023-01-01 00:00Z' + i * interval '3 hours', '/p/' || i
      from generate_series(1, 5000) i;
    insert into audit.log (line) select repeat('l', 120) from generate_series(1, ${logRows});
    refresh materialized view totals;
    analyze;`)
  return shop
}

/** `payments` refuses rows of the source, and `customers` has rows that a run would delete. */
export async function makeDestination(cluster: Cluster): Promise<TestDatabase> {
  const destination = await cluster.createDatabase()
  await destination.sql(`
    create table payments (id integer primary key, amount integer check (amount < 400));
    create table audit_old (id integer);
    create type mood as enum ('good', 'bad');
    create table customers (
      id integer generated always as identity primary key, name text not null, mood mood default 'good', since date
    );
    insert into customers (name) values ('will be gone');`)
  return destination
}
