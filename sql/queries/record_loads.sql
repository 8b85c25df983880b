-- The rows of loads that end in one transaction.
insert into stevedore.loads (
    load_id, feed, bucket, key, version, state, mode, reload, format, compression, bytes,
    records, loaded, rejected, log_rows, inserted, updated, superseded,
    rejected_by_reason, unknown_fields, started_at, finished_at, seconds, job_id, origin
)
select
    load_id, $1::text, bucket, key, version, 'loaded', $2::text, $3::boolean, format, compression, bytes,
    records, loaded, rejected, log_rows, inserted, updated, superseded,
    rejected_by_reason, unknown_fields, started_at, clock_timestamp(), seconds, $4::uuid, origin
from jsonb_to_recordset($5::jsonb) as load (
    load_id bigint, bucket text, key text, version text, format text, compression text, bytes bigint,
    records bigint, loaded bigint, rejected bigint, log_rows bigint,
    inserted bigint, updated bigint, superseded bigint,
    rejected_by_reason jsonb, unknown_fields jsonb,
    started_at timestamptz, seconds double precision, origin text
)
