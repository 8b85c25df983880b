-- Entries of the queue that were handed out to nobody: the answer was lost, and what they lead to still waits after a
-- minute. Whoever has one claims it in less, and finds nothing to claim where somebody else has.
update stevedore_queue._private_jobs q
set locked_at = null, locked_by = null
where
    q.locked_at < now() - interval '1 minute'
    and (
        exists (
            select from stevedore.jobs j
            where
                j.job_id::text = q.key and j.state = 'queued' and j.key is not null
                and coalesce(j.next_attempt_at <= now(), true)
        )
        or exists (select from stevedore.watch_runs r where r.run_id::text = q.key and r.state = 'queued')
        or exists (select from stevedore.crawlers c where c.run_id::text = q.key and c.state = 'queued')
    )
