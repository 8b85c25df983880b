# What the scripts beside share, and source: the database of DATABASE_URL, and a folder that goes with the
# script.
# shellcheck shell=bash disable=SC2034
url=${DATABASE_URL:?name a scratch database in DATABASE_URL}
stevedore=${STEVEDORE:-target/release/stevedore}
tables="user_status user_status_log user_status_error_rec"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

sql() { psql -qAtX -v ON_ERROR_STOP=1 "$url" "$@"; }
# The tables of the old job, without a key, with all columns of rejected records.
old_tables() {
    sql -c "set client_min_messages = warning; drop table if exists user_status, user_status_log, user_status_error_rec;
      create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int, isblacklisted boolean, ingested_at timestamp);
      create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
      create table user_status_error_rec (error_rec varchar, reason text, detail text, raw text, object text, object_version text, record_no bigint, byte_offset bigint, byte_length bigint, load_id bigint, ingested_at timestamp);"
}
