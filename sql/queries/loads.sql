-- The ledger, newest first.
select
    load_id, feed, bucket, key, version, state, mode, reload, format, compression, bytes,
    records, loaded, rejected, log_rows, inserted, updated, superseded,
    rejected_by_reason, unknown_fields, started_at, finished_at, seconds, error_code, job_id
from stevedore.loads
where
    ($1::bigint is null or load_id = $1)
    and ($2::text is null or state = $2)
    and ($3::text is null or bucket = $3)
    and ($4::text is null or key = $4)
    and ($5::timestamptz is null or started_at >= $5)
    and ($6::timestamptz is null or started_at < $6)
    and ($7::bigint is null or load_id < $7)
order by load_id desc
limit $8
