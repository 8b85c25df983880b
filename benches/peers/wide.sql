-- The columns that stevedore adds to the old job's error table, for the limit, which writes the same rows.
alter table user_status_error_rec
    add column reason text, add column detail text, add column raw text, add column object text,
    add column object_version text, add column record_no bigint, add column byte_offset bigint,
    add column byte_length bigint, add column load_id bigint, add column ingested_at timestamp;
