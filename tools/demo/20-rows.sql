-- The rows of the shop: the same in every run, so that runs can be compared.
select setseed(0.2016);

insert into shop.categories (parent, name)
  values (null, 'Home'), (null, 'Garden'), (null, 'Books'), (null, 'Café & Küche'), (null, 'Игрушки');
insert into shop.categories (parent, name)
  select 1 + i % 5, 'Corner ' || i from generate_series(1, 45) i;

insert into shop.products (category, sku, name, description, attributes, tags, net, vat_percent)
  select 1 + i % 50, format('SKU-%s', lpad(i::text, 6, '0')),
         (array['Solid', 'Light', 'Tiny', 'Blue', 'Grüne'])[1 + i % 5] || ' '
           || (array['lamp', 'spade', 'novel', 'cup', 'train', 'kettle', 'chair'])[1 + i % 7] || ' ' || i,
         repeat('Made to last, by hand. ', i % 9),
         jsonb_build_object('weight', i % 40, 'colours', jsonb_build_array('red', 'blue'), 'made in', 'PT'),
         case when i % 3 = 0 then array['new', 'it''s "hot"'] else '{}' end,
         (i * 37 % 20000) / 100.0, case when i % 50 = 2 then 7 else 19 end
    from generate_series(1, 3000) i;

insert into shop.customers (email, name, home, birthday, newsletter, joined_at, last_ip)
  select 'Customer.' || i || '@example.com',
         (array['Ada', 'Grace', 'Edsger', 'Barbara', 'Niklaus', 'Zoë', '小明'])[1 + i % 7] || ' '
           || (array['Smith', 'O''Neill', 'Müller', 'de la Cruz', 'Δημήτρης'])[1 + i % 5],
         row(i % 200 || ' Main Street', lpad((i % 99999)::text, 5, '0'), 'Springfield', 'US')::shop.address,
         case when i % 4 > 0 then date '1950-01-01' + i % 20000 end,
         i % 3 = 0,
         timestamptz '2016-01-01 00:00Z' + i * interval '70 minutes',
         case when i % 2 = 0 then inet '10.0.0.0' + i end
    from generate_series(1, 60000) i;

insert into shop.orders (id, placed_at, customer, status, ship_to, total, note)
  select i, timestamptz '2016-01-01 00:00Z' + i * interval '21 minutes', 1 + i * 7919::bigint % 60000,
         (enum_range(null::shop.order_status))[case when i > 249000 then 1 + i % 7 else 6 + (i % 20 = 0)::int end],
         case when i % 10 = 0 then row('At work', '00000', 'Shelbyville', 'US')::shop.address end,
         (i * 131 % 90000) / 100.0,
         case when i % 50 = 0 then E'Ring twice.\nThen\tknock \\o/' end
    from generate_series(1, 250000) i;
insert into shop.orders (id, placed_at, customer, invoice) values (0, '2015-12-24 18:00Z', 1, null);

insert into shop.order_lines
  select id, placed_at, line, 1000 + 10 * ((id * 13 + line * 101) % 3000), 1 + (id + line) % 5, (id * line % 9000) / 100.0
    from shop.orders, generate_series(1, 1 + (id % 3)::int) line;

insert into shop.reviews (id, product, customer, stars, words, shown, at)
  select md5('review ' || i)::uuid, 1000 + 10 * (i % 3000), 1 + i % 60000, 1 + i * 7 % 5,
         case when i % 3 > 0 then repeat('Better than the last one. ', 1 + i % 12) end,
         i % 11 > 0, timestamptz '2018-06-01 00:00Z' + i * interval '1 hour'
    from generate_series(1, 40000) i;

insert into shop.campaigns (category, during, discount)
  select category, daterange(start, start + 14), 0.05 * (1 + category % 5)
    from generate_series(1, 50) category,
         generate_series(date '2016-03-01', date '2025-03-01', interval '1 year') at,
         lateral (select at::date + category as start) _;

insert into shop."Gift Cards"
  select upper(substr(md5('card ' || i), 1, 12)), i % 200, nullif(i % 5000, 0) from generate_series(1, 8000) i;

insert into shop.sessions
  select sha256(i::text::bytea), '{"lines": []}', timestamp '2025-11-01' + i * interval '1 second'
    from generate_series(1, 2000) i;

insert into warehouse.departments select i, 'Department ' || i, i * 10 from generate_series(1, 12) i;
insert into warehouse.employees select i, 'Employee ' || i, 1 + i % 12 from generate_series(1, 400) i;

insert into warehouse.movements (product, pieces, reason, at)
  select 1000 + 10 * (i % 3000), case when i % 4 = 0 then 400 else -1 - i % 3 end,
         case when i % 4 = 0 then 'delivery' else 'order' end,
         timestamptz '2019-01-01 00:00Z' + i * interval '25 minutes'
    from generate_series(1, 100000) i;
insert into warehouse.stock
  select product, 'Shelf ' || product % 77, sum(pieces) from warehouse.movements group by product;

insert into audit.page_views
  select timestamptz '2025-10-01 00:00Z' + i * interval '5 seconds', case when i % 3 > 0 then 1 + i * 31::bigint % 60000 end,
         '/product/' || 1000 + 10 * (i % 3000) || case when i % 9 = 0 then '?from=newsletter&x=%20' else '' end,
         'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/' || 80 + i % 60,
         i % 700 * interval '1 millisecond', case when i % 97 = 0 then 404 else 200 end
    from generate_series(1, 300000) i;

-- Product images are large objects: some small, one of several megabytes, one empty.
update shop.products
   set picture = lo_from_bytea(0, case
         when id = 1010 then decode(repeat(md5(id::text), 100000), 'hex')
         when id = 1020 then ''
         else decode(repeat(md5(id::text) || '00ff0d0a5c', id % 700), 'hex')
       end)
 where id <= 1600;
