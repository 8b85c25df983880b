-- Begins an attempt, if the worker has the feed of the job as it was when the job was requested. One that is running already has lost its worker, else its end were noted.
update stevedore.jobs
set
    state = 'running',
    attempts = attempts + 1,
    crashed_attempts = crashed_attempts + (state = 'running')::integer,
    worker = $2,
    started_at = coalesce(started_at, clock_timestamp()),
    next_attempt_at = null,
    error = case when state = 'running' then $3::jsonb end,
    first_error = coalesce(first_error, case when state = 'running' then $3::jsonb end),
    bytes_read = 0, records = 0, loaded = 0, rejected = 0
where
    job_id = $1 and state in ('queued', 'running') and not children_created
    and (
        key is null or feed is null
        or $4::jsonb ->> feed = coalesce(feed_hash, $4::jsonb ->> feed)
    )
returning feed, feed_hash, bucket, key, prefix, glob, version, mode, dry_run, reload, catalog, max_rejected, attempts, earlier_attempts, crashed_attempts, cancel_requested, requested_by, request_id
