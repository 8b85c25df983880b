# about: DuckDB with its postgres extension
# needs: duckdb
# shellcheck shell=bash
packages=$(echo "$PEERS"/duckdb/lib/python*/site-packages)
extension() { echo "$packages/duckdb_extension_$1"/extensions/*/"$1".duckdb_extension; }
# A store on this machine, as the variables of S3 name it.
remote=
case $FILE in s3://*)
    remote="load '$(extension httpfs)';
        create secret (type s3, key_id '$AWS_ACCESS_KEY_ID', secret '$AWS_SECRET_ACCESS_KEY', region '$AWS_REGION',
            endpoint '${AWS_ENDPOINT_URL#http://}', url_style 'path', use_ssl false);"
    ;;
esac
exec "$packages/duckdb_cli/duckdb" -bail :memory: <<SQL
load '$(extension postgres_scanner)';
$remote
${DUCKDB_THREADS:+set threads = $DUCKDB_THREADS;}
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
