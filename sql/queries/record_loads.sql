-- The rows of loads that end in one transaction, and of their tables, and the text of their feed.
with feed as (
    insert into stevedore.feeds (hash, name, text) values ($5, $1, $6) on conflict do nothing
),
ended as (
    select *
    from jsonb_to_recordset($4::jsonb) as load (
        load_id bigint, job_id uuid, bucket text, key text, version text, format text, compression text, bytes bigint,
        records bigint, loaded bigint, rejected bigint, tables jsonb,
        rejected_by_reason jsonb, unknown_fields jsonb,
        started_at timestamptz, seconds double precision, origin text, replay_of bigint
    )
),
recorded as (
    insert into stevedore.loads (
        load_id, feed, bucket, key, version, state, mode, reload, format, compression, bytes,
        records, loaded, rejected, rejected_by_reason, unknown_fields, started_at, finished_at, seconds,
        job_id, origin, feed_hash, replay_of
    )
    select
        load_id, $1::text, bucket, key, version, 'loaded', $2::text, $3::boolean, format, compression, bytes,
        records, loaded, rejected, rejected_by_reason, unknown_fields, started_at, clock_timestamp(), seconds,
        job_id, origin, $5, replay_of
    from ended
)
insert into stevedore.load_tables (
    load_id, position, "table", rows, inserted, updated, unchanged, superseded, deleted
)
select
    e.load_id, t.position, t.counts ->> 'table', c.rows, c.inserted, c.updated, c.unchanged, c.superseded,
    c.deleted
from ended e
cross join jsonb_array_elements(e.tables) with ordinality as t (counts, position)
cross join jsonb_populate_record(null::stevedore.load_tables, t.counts) as c
