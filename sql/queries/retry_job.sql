-- Makes a job that ended badly wait again, with its feed as it is now or another one, and the one over many objects run that it
-- belongs to.
with again as (
    update stevedore.jobs
    set
        state = case when children_created then 'running' else 'queued' end,
        earlier_attempts = attempts,
        crashed_attempts = 0, cancel_requested = false, error = null, first_error = null,
        finished_at = null, next_attempt_at = null,
        feed = coalesce($3::text, feed), feed_hash = coalesce($2::jsonb ->> coalesce($3::text, feed), feed_hash),
        mode = coalesce($4::text, mode), reload = coalesce($5::boolean, reload)
    where job_id = $1 and state in ('failed', 'cancelled')
    returning job_id, parent_id, children_created
), parent as (
    update stevedore.jobs p
    set state = 'running', cancel_requested = false, finished_at = null
    from again
    where p.job_id = again.parent_id and p.children_created and p.state in ('failed', 'cancelled', 'succeeded')
)
select children_created from again
