# about: DuckDB with its postgres extension
# needs: duckdb
# shellcheck shell=bash
packages=$(echo "$PEERS"/duckdb/lib/python*/site-packages)
extension=$(echo "$packages"/duckdb_extension_postgres_scanner/extensions/*/postgres_scanner.duckdb_extension)
exec "$packages/duckdb_cli/duckdb" -bail :memory: <<SQL
load '$extension';
set preserve_insertion_order = false;
set temp_directory = '$SCRATCH/duckdb';
set variable file = '$FILE';
attach '$DATABASE_URL' as pg (type postgres);
$(cat "$HERE/duckdb.sql")
begin;
insert into pg.public.user_status select * from status;
insert into pg.public.user_status_log select * from status_log;
insert into pg.public.user_status_error_rec select * from error_rec;
commit;
SQL
