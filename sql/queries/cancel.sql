-- Cancels jobs, by the column that says which: at once what waits; what runs is told to its worker.
with cancelled as (
    update stevedore.jobs
    set
        cancel_requested = true,
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then clock_timestamp() else finished_at end
    where {column} = $1 and state in ('queued', 'running')
    returning job_id
)
select pg_notify('stevedore_cancelled', job_id::text) from cancelled
