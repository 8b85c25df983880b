-- The tables of readings.toml, for what loads into tables that are there.
set client_min_messages = warning;
create table if not exists readings (id integer not null, name text not null, count integer, big bigint,
    amount numeric(18,2), ratio double precision, ok boolean, at timestamptz);
create table if not exists readings_items (id integer not null, position bigint, sku text, qty integer);
