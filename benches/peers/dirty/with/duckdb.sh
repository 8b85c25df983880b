# about: DuckDB
# in: default
# shellcheck shell=bash
# needs: duckdb
duckdb <<SQL
attach '$DATABASE_URL' as pg (type postgres);
create table pg.public.readings as select * replace (to_json(items) as items) from read_json('$FILE');
SQL
