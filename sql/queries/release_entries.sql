-- Entries of the queue that were handed out to nobody: the answer was lost, and what they lead to still waits after a
-- minute. Whoever has one claims it in less, and finds nothing to claim where somebody else has.
with held as (
    select id, case when key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then key::uuid end as subject
    from stevedore_queue._private_jobs
    where locked_at < now() - interval '1 minute'
)
update stevedore_queue._private_jobs q
set locked_at = null, locked_by = null
from held h
where
    q.id = h.id and q.locked_at < now() - interval '1 minute'
    and (
        exists (
            select from stevedore.jobs j
            where j.job_id = h.subject and j.state = 'queued' and coalesce(j.next_attempt_at <= now(), true)
        )
        or exists (select from stevedore.watch_runs r where r.run_id = h.subject and r.state = 'queued')
        or exists (select from stevedore.crawlers c where c.run_id = h.subject and c.state = 'queued')
    )
