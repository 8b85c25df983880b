#!/bin/sh
# Makes the role that serves and works; the migration gives it its rights and no others. May be run again.
# PGHOST, PGUSER, PGPASSWORD, PGDATABASE: the owner of the tables; SERVICE_PASSWORD: of the role.
set -eu
psql -v ON_ERROR_STOP=1 -q -v password="$SERVICE_PASSWORD" <<'SQL'
select 'create role service' where to_regrole('service') is null \gexec
alter role service login password :'password';
SQL
