-- Cancels jobs and those that belong to them: at once what waits; what runs is told to its worker.
with cancelled as (
    update stevedore.jobs
    set
        cancel_requested = true,
        state = case when state = 'queued' then 'cancelled' else state end,
        finished_at = case when state = 'queued' then clock_timestamp() else finished_at end
    where (job_id = any($1) or parent_id = any($1)) and state in ('queued', 'running')
    returning job_id, state
),
told as (
    select pg_notify('stevedore_cancelled', string_agg(r.job_id::text, ','))
    from (select job_id, (row_number() over () - 1) / 200 as piece from cancelled where state = 'running') r
    group by r.piece
)
select job_id from cancelled where (select count(*) from told) >= 0
