-- Notes why a job waits, and an event the first time.
with job as (
    select job_id, state, attempts, error ->> 'code' is distinct from $2::jsonb ->> 'code' as is_new
    from stevedore.jobs
    where job_id = $1
),
event as (
    insert into stevedore.job_events (job_id, state, attempt, error)
    select job_id, state, attempts, $2 from job where is_new
)
update stevedore.jobs
set error = $2, next_attempt_at = $3
where job_id = $1
