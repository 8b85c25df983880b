-- Makes jobs wait again whose worker died while it worked on them. If it worked on several together, any of them
-- may be why: so fewer are claimed together the next time, and no attempt counts as one that killed its worker.
update stevedore.jobs j
set
    state = 'queued',
    crashed_attempts = crashed_attempts + (coalesce(claimed_jobs, 1) = 1)::integer,
    claimed_jobs = greatest(1, claimed_jobs / 16),
    error = $1, first_error = coalesce(first_error, $1)
where
    job_id in (
        select r.job_id
        from stevedore.jobs r
        where
            r.state = 'running' and not r.children_created
            and not exists (select from stevedore_queue._private_workers w where w.id = r.worker)
        for update skip locked
    )
returning job_id
