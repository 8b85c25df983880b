-- A job that a worker could not begin: none if it has come to its end. Since when such workers have seen it.
select
    j.feed, j.feed_hash,
    (
        select max(e.at)
        from stevedore.job_events e
        where e.job_id = j.job_id and e.error ->> 'code' = 'feed_unavailable'
    ) as first_left_at
from stevedore.jobs j
where
    j.job_id = $1 and j.state in ('queued', 'running') and not j.children_created and j.key is not null
    and j.feed is not null
for update of j
