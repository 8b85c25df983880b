-- Jobs that wait and that no entry of the queue leads to: neither their own nor, for the first attempts of those that
-- belong to a job over many objects, one of that job.
select j.job_id, null::uuid as parent_id
from stevedore.jobs j
where
    j.state = 'queued' and (j.parent_id is null or j.next_attempt_at is not null or j.key is null)
    and not exists (
        select from stevedore_queue._private_jobs q where q.key = j.job_id::text and q.attempts < q.max_attempts
    )
union all
select null, p.job_id
from stevedore.jobs p
where
    p.state = 'running' and p.key is null
    and exists (
        select
        from stevedore.jobs c
        where
            coalesce(c.parent_id, '00000000-0000-0000-0000-000000000000'::uuid) = p.job_id
            and c.state = 'queued' and c.key is not null and c.next_attempt_at is null
    )
    and not exists (
        select
        from stevedore_queue._private_jobs q
        where
            q.key = any(array(select p.job_id || '/' || n from generate_series(0, 7) n))
            and q.attempts < q.max_attempts
    )
limit 500
