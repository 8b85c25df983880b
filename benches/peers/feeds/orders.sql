-- The tables of feeds/examples/orders.toml as views over one table of orders, which is read once.
create temp table records as
select * from read_json(getvariable('file'), format = 'newline_delimited', columns = {
    id: 'uuid', updatedAt: 'timestamptz', total: 'decimal(12,2)', customer: 'struct(address struct(city varchar))',
    status: 'varchar', currency: 'varchar', tags: 'varchar[]', meta: 'json', note: 'json',
    items: 'struct(sku varchar, qty integer, discounts struct(code varchar, amount decimal(12,2))[])[]'})
where id is not null and updatedAt is not null and total > 0 and status <> ''
  and len(list_filter(items, lambda item: item.sku is null or item.qty <= 0)) = 0;
set variable ingested_at = (now() at time zone 'utc')::timestamp;
create temp view orders as
select id, updatedAt, total, customer.address.city, coalesce(currency, 'EUR'), status, tags, meta,
    (total * 100)::bigint, case when note is not null then json_object('note', note) end,
    getvariable('ingested_at'), 1::bigint, getvariable('file'), null::blob from records;
create temp view order_items as
select id, line, item.sku, item.qty, getvariable('ingested_at'), 1::bigint, getvariable('file'), null::blob
from (select id, unnest(items) as item, generate_subscripts(items, 1) as line from records);
create temp view item_discounts as
select id, line, discount_no, discount.code, discount.amount, getvariable('ingested_at'), 1::bigint, getvariable('file'), null::blob
from (select id, line, unnest(item.discounts) as discount, generate_subscripts(item.discounts, 1) as discount_no
    from (select id, unnest(items) as item, generate_subscripts(items, 1) as line from records));
