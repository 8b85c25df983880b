-- Makes the jobs that ended badly wait again that a job over many objects has brought about.
update stevedore.jobs
set
    state = 'queued', earlier_attempts = attempts, deaths = 0, cancel_requested = false,
    error = null, first_error = null, finished_at = null, next_attempt_at = null
where parent_id = $1 and state in ('failed', 'cancelled')
returning job_id
