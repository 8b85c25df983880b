# about: DuckDB, `columns`
# in: strict deliveries
# shellcheck shell=bash
# needs: duckdb
psql -qX "$DATABASE_URL" -f tables.sql
duckdb <<SQL
attach '$DATABASE_URL' as pg (type postgres);
create temp table records as select * from read_json('$FILE', format = 'newline_delimited', columns = {
    id: 'integer', name: 'varchar', count: 'integer', big: 'bigint', amount: 'decimal(18,2)',
    ratio: 'double', ok: 'boolean', "at": 'timestamptz', items: 'struct(sku varchar, qty integer)[]'});
begin;
insert into pg.public.readings select * exclude (items) from records;
insert into pg.public.readings_items
    select id, position, item.sku, item.qty from records, unnest(items) with ordinality as entries (item, position);
commit;
SQL
