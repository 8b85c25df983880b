-- How an attempt ended, unless the job is another worker's by now.
update stevedore.jobs
set
    -- A job that is called off does not wait for another attempt.
    state = case when $3::text = 'queued' and cancel_requested then 'cancelled' else $3::text end,
    summary = $4,
    load_id = $5,
    error = $6,
    -- One that was handed back does not count towards those that a job has.
    earlier_attempts = earlier_attempts + ($3::text = 'queued' and $6::jsonb is null)::integer,
    first_error = coalesce(first_error, $6),
    next_attempt_at = $7,
    finished_at = case when $3::text <> 'queued' or cancel_requested then clock_timestamp() end,
    bytes_read = coalesce($8, bytes_read),
    records = coalesce($9, records),
    loaded = coalesce($10, loaded),
    rejected = coalesce($11, rejected)
where job_id = $1 and attempts = $2 and state = 'running' and not children_created
returning state
