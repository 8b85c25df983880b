#!/bin/sh
# How many small objects a second: OBJECTS of ten records each, merged into fresh tables and appended to
# ones without a key. It drops the tables `user_status*` and the schema `stevedore` of DATABASE_URL.
#
#   cargo build --release --all-targets
#   DATABASE_URL=postgresql:///scratch benches/objects.sh [objects] [rounds] [arguments of load …]
set -eu
objects=${1:-10000} rounds=${2:-3}
[ $# -lt 1 ] || shift
[ $# -lt 1 ] || shift
here=$(dirname "$0")/..
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$here"/target/release/examples/generate --records $((objects * 10)) |
    split --lines 10 --suffix-length 6 --numeric-suffixes --additional-suffix .ndjson - "$folder/object-"
clean() {
    psql --quiet --dbname "$DATABASE_URL" --command "
        set client_min_messages = warning;
        drop schema if exists stevedore cascade;
        drop table if exists user_status, user_status_log, user_status_error_rec;"
}
old_tables="
    create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int,
        isblacklisted boolean, ingested_at timestamp);
    create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
    create table user_status_error_rec (error_rec varchar);"
for round in $(seq "$rounds"); do
    for mode in merge append; do
        clean
        [ $mode = merge ] || psql --quiet --dbname "$DATABASE_URL" --command "$old_tables"
        psql --quiet --dbname "$DATABASE_URL" --command checkpoint
        /usr/bin/time --format "$mode: %e s, %U + %S CPU s, %M KB" \
            "$here"/target/release/stevedore load "$folder" --mode $mode "$@" >/dev/null
    done
done
