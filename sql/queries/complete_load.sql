-- The ledger's row of a load in parts, all of which are committed.
update stevedore.loads
set
    state = 'loaded', records = $2, loaded = $3, rejected = $4, log_rows = $5,
    rejected_by_reason = $6, unknown_fields = $7, finished_at = clock_timestamp(),
    seconds = extract(epoch from clock_timestamp() - started_at), job_id = coalesce($8, job_id)
where load_id = $1 and state = 'loading'
returning seconds
