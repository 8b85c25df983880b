-- Runs of watches that wait or go on, and that no worker will ever look at: they have no entry in the queue.
select r.run_id
from stevedore.watch_runs r
where
    r.state <> 'ended'
    and not exists (
        select
        from stevedore_queue._private_jobs q
        where q.key = r.run_id::text and q.attempts < q.max_attempts
    )
limit 500
