-- Crawlers that wait or run and that no worker will ever look at: they have no entry in the queue, and
-- nobody holds their lock.
select c.name, c.run_id
from stevedore.crawlers c
where
    c.state <> 'ready' and c.requested_by is not null and not stevedore.is_crawling(c.name)
    and not exists (
        select
        from stevedore_queue._private_jobs q
        where q.key = c.run_id::text and q.attempts < q.max_attempts
    )
order by c.name
limit 500
for update of c skip locked
