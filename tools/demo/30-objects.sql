-- Objects that depend on rows: keys, indexes, views, triggers, policies, privileges.
alter table shop.orders add primary key (id, placed_at);
alter table shop.order_lines add primary key (order_id, line);
alter table audit.changes add primary key (id);

create unique index customers_email on shop.customers (email);
create index customers_birthday on shop.customers (extract(month from birthday), extract(day from birthday));
create index customers_newsletter on shop.customers (joined_at desc) where newsletter;
create index products_words on shop.products using gin (words);
create index products_attributes on shop.products using gin (attributes jsonb_path_ops);
create index products_name_like on shop.products using gin (name gin_trgm_ops);
create index products_category on shop.products (category) include (name, net);
create index orders_customer on shop.orders (customer, placed_at desc);
create index orders_open on shop.orders (placed_at) where status < 'delivered';
create index order_lines_product on shop.order_lines (product);
create index reviews_product on shop.reviews (product, stars) where shown;
create index movements_at on warehouse.movements using brin (at);
create index movements_product on warehouse.movements using hash (product);
create index page_views_at on audit.page_views (at);
create index page_views_path on audit.page_views (lower(path) text_pattern_ops);
comment on index shop.products_words is 'for the search box';

alter table shop.orders      add foreign key (customer) references shop.customers;
alter table shop.order_lines add foreign key (order_id, placed_at) references shop.orders;
alter table shop.order_lines add foreign key (product) references shop.products on delete restrict;
alter table shop.reviews     add foreign key (product)  references shop.products  on delete cascade;
alter table shop.reviews     add foreign key (customer) references shop.customers on delete cascade;
alter table shop."Gift Cards" add constraint "for whom?" foreign key ("For") references shop.customers;
alter table warehouse.stock  add foreign key (product)  references shop.products;
alter table warehouse.movements add foreign key (product) references shop.products not valid;
alter table warehouse.departments add foreign key (head) references warehouse.employees deferrable initially deferred;
alter table warehouse.employees add foreign key (department) references warehouse.departments;
alter table shop.orders add constraint sold_before_shipping check (status = 'cart' or total is not null);
create statistics shop.order_habits (dependencies, ndistinct) on customer, status from shop.orders;

create view shop.catalogue with (security_barrier) as
  select p.id, p.sku, p.name, p.gross, c.name as category
    from shop.products p join shop.categories c on c.id = p.category;
create view shop.open_orders as
  select id, placed_at, customer, status from shop.orders where status < 'delivered'
  with local check option;
create recursive view shop.category_paths (id, path) as
  select id, name from shop.categories where parent is null
  union all
  select c.id, p.path || ' > ' || c.name from shop.categories c join category_paths p on p.id = c.parent;
create materialized view shop.sales_by_month as
  select date_trunc('month', placed_at at time zone 'UTC') as month, count(*) as orders, sum(total) as total
    from shop.orders group by 1;
create unique index sales_by_month_month on shop.sales_by_month (month);
create materialized view shop.best_months as
  select * from shop.sales_by_month order by total desc, month limit 12;
create materialized view shop.next_year as
  select month + interval '1 year' as month, total * 1.1 as total from shop.sales_by_month
  with no data;

create function audit.note_change() returns trigger language plpgsql security definer
  set search_path to pg_catalog, audit
as $body$
begin
  insert into audit.changes (table_name, operation, before, after)
    values (tg_table_name, tg_op, case when tg_op <> 'INSERT' then to_jsonb(old) end,
                                  case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end
$body$;
create trigger note_change after insert or update or delete on shop.customers
  for each row execute function audit.note_change();
create trigger note_change after update of net, vat_percent on shop.products
  for each row when (old.net is distinct from new.net) execute function audit.note_change();

create function warehouse.move() returns trigger language plpgsql as $$
begin
  insert into warehouse.stock as s (product, pieces) values (new.product, new.pieces)
    on conflict (product) do update set pieces = s.pieces + excluded.pieces;
  return new;
end $$;
create trigger move before insert on warehouse.movements for each row execute function warehouse.move();
create trigger only_what_changed before update on shop.products
  for each row execute function suppress_redundant_updates_trigger();
alter table shop.products disable trigger only_what_changed;

create procedure shop.close_year(year int) language plpgsql as $$
begin
  refresh materialized view shop.sales_by_month;
  raise notice 'closed %', year;
end $$;
create function shop.search(wanted text, out id int, out name text, out rank real) returns setof record
  language sql stable rows 20
as $$
  select p.id, p.name, ts_rank(p.words, q)
    from shop.products p, websearch_to_tsquery('english', wanted) q
   where p.words @@ q
   order by 3 desc
$$;
create aggregate shop.product_of(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1');
create rule no_emptying as on delete to warehouse.departments do instead nothing;

-- Later changes: the triggers write rows, and sequences are past their last values in the tables.
update shop.customers set newsletter = not newsletter where id % 100 = 0;
update shop.products  set net = net + 1 where id % 500 = 0;
insert into warehouse.movements (product, pieces, reason, at) values (1010, 25, 'stocktaking', '2025-11-20 08:00Z');
select setval('shop.campaigns_id_seq', 9000, false);

alter table shop.reviews enable row level security;
create policy everybody_reads on shop.reviews for select using (shown);
create policy own_words on shop.reviews for update to shop_app
  using (customer = current_setting('shop.customer', true)::bigint);
alter table shop.orders enable row level security;
create policy only_own on shop.orders as restrictive for select to shop_app
  using (customer = current_setting('shop.customer', true)::bigint);

alter table shop.products owner to shop_owner;
alter table shop.categories owner to shop_owner;
alter table shop.catalogue owner to shop_owner;
alter function shop.gross(numeric, numeric) owner to shop_owner;
grant usage on schema shop to shop_app, shop_reporting;
grant select, insert, update on shop.orders, shop.order_lines to shop_app;
grant select (id, name), update (name) on shop.customers to shop_app;
grant select on all tables in schema shop to shop_reporting with grant option;
grant usage on sequence shop.invoice_number to shop_app;
grant execute on procedure shop.close_year(int) to shop_reporting;
revoke execute on function shop.search(text) from public;
grant usage on type shop.order_status to shop_app;

alter table shop.orders replica identity full;
alter table shop.customers alter column email set statistics 500, alter column name set storage external;
alter table audit.page_views set (fillfactor = 90, autovacuum_enabled = false);

create publication shop_changes for table shop.orders, shop.order_lines with (publish = 'insert, update');
comment on publication shop_changes is 'read by the data warehouse';
comment on constraint one_at_a_time on shop.campaigns is 'or the prices would be anybody''s guess';
comment on function shop.gross(numeric, numeric) is 'with tax';
analyze;
