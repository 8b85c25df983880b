# about: `\copy` into jsonb, then `insert … select`
# shellcheck shell=bash
# A CSV whose quote and delimiter no JSON holds is the text as it is; the table needs no log, nobody keeps it.
exec psql -qX -v ON_ERROR_STOP=1 -v record=record "$DATABASE_URL" <<SQL
create unlogged table peer_records (record jsonb);
\copy peer_records from '$FILE' (format csv, quote e'\x01', delimiter e'\x02')
begin;
\i $HERE/unnest.sql
drop table peer_records;
commit;
SQL
