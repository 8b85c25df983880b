-- The tables of the feed user_status. Idempotent: tables that are there stay as they are; only the
-- table of rejected records gains the columns that the old job's definition lacks. The placeholder is
-- the primary key on userid if rows are merged, and empty if they are appended.

-- `if not exists` alone does not keep two sessions from creating the same table.
select pg_advisory_xact_lock(hashtextextended('stevedore.feeds', 0));

create table if not exists user_status (
    userid varchar,
    createdat varchar,
    status varchar,
    lastvisitedat bigint,
    isblacklisted boolean,
    ingested_at timestamp{primary_key}
);

create table if not exists user_status_log (
    userid varchar,
    updatedon varchar,
    status varchar,
    ingested_at timestamp
);

create table if not exists user_status_error_rec (
    error_rec varchar
);

alter table user_status_error_rec
    add column if not exists reason text,
    add column if not exists detail text,
    add column if not exists raw text,
    add column if not exists object text,
    add column if not exists object_version text,
    add column if not exists record_no bigint,
    add column if not exists byte_offset bigint,
    add column if not exists byte_length bigint,
    add column if not exists load_id bigint,
    add column if not exists ingested_at timestamp;
