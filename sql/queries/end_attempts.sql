-- How attempts ended, but those of jobs that are another worker's by now. The jobs are found by their ids: an index by state
-- leads over all that have been running before and are not vacuumed yet, so the state is compared in a way that none serves.
update stevedore.jobs j
set
    -- A job that is called off does not wait for another attempt.
    state = case when e.state = 'queued' and cancel_requested then 'cancelled' else e.state end,
    summary = e.summary,
    load_id = e.load_id,
    error = e.error,
    version = coalesce(e.version, j.version),
    claimed_jobs = null,
    -- One that was handed back does not count towards those that a job has.
    earlier_attempts = earlier_attempts + (e.state = 'queued' and e.error is null)::integer,
    first_error = coalesce(first_error, e.error),
    next_attempt_at = e.again_at,
    finished_at = case when e.state <> 'queued' or cancel_requested then clock_timestamp() end,
    bytes_read = coalesce(e.bytes, j.bytes_read),
    records = coalesce(e.records, j.records),
    loaded = coalesce(e.loaded, j.loaded),
    rejected = coalesce(e.rejected, j.rejected)
from jsonb_to_recordset($1::jsonb) as e (
    job_id uuid, attempt integer, state text, summary jsonb, load_id bigint, error jsonb, again_at timestamptz,
    version text, bytes bigint, records bigint, loaded bigint, rejected bigint
)
where
    j.job_id = e.job_id
    and (j.state, j.attempts, j.children_created) is not distinct from ('running', e.attempt, false)
returning j.job_id, j.state, j.next_attempt_at
