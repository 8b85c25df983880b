-- Cancels what a job over many objects has brought about.
with cancelled as (
    update stevedore.jobs
    set
        cancel_requested = true,
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then clock_timestamp() else finished_at end
    where parent_id = $1 and state in ('queued', 'running')
    returning job_id
)
select pg_notify('stevedore_cancelled', job_id::text) from cancelled
