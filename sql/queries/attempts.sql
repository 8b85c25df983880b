-- The attempts at a job, the last ones: each begins with an event `running`, and the next event of the job ends it.
select attempt, worker, started_at, ended_at, coalesce(state_after, 'running') as state, error_after as error
from (
    select
        event_id, attempt, worker, state, at as started_at,
        lead(at) over (order by event_id) as ended_at,
        lead(state) over (order by event_id) as state_after,
        lead(error) over (order by event_id) as error_after
    from stevedore.job_events
    where job_id = $1
) as e
where state = 'running'
order by event_id desc
limit 100
