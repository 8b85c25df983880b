-- Jobs that wait or run and that nobody will ever look at: they have no entry in the queue, and no
-- worker that lives.
select j.job_id
from stevedore.jobs j
where
    j.state in ('queued', 'running') and not j.children_created
    and not exists (
        select
        from stevedore_queue._private_jobs q
        where q.key = j.job_id::text and q.attempts < q.max_attempts
    )
    and (
        j.state = 'queued'
        or not exists (select from stevedore_queue._private_workers w where w.id = j.worker)
    )
order by j.job_id
limit 500
for update of j skip locked
