-- The ledger's row of a load.
insert into stevedore.loads (
    load_id, feed, bucket, key, version, state, mode, reload, format, compression, bytes,
    records, loaded, rejected, log_rows, inserted, updated, superseded,
    rejected_by_reason, unknown_fields, started_at, finished_at, seconds, job_id, origin
) values (
    $1, $2, $3, $4, $5, 'loaded', $6, $7, $8, $9, $10,
    $11, $12, $13, $14, $15, $16, $17,
    $18, $19, $20, clock_timestamp(), $21, $22, $23
)
