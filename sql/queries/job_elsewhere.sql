-- A job that waits and that a worker could not begin. Since when workers without its feed have seen it.
select
    j.feed, j.feed_hash,
    (
        select max(e.at)
        from stevedore.job_events e
        where e.job_id = j.job_id and e.error ->> 'code' = 'feed_unavailable'
    ) as first_left_at
from stevedore.jobs j
where
    j.job_id = $1 and j.state = 'queued' and not j.children_created
for update of j
