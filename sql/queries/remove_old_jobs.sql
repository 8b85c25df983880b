-- Removes some jobs that ended long ago, oldest first: those over many objects after the last of their own jobs.
delete from stevedore.jobs
where job_id in (
    select j.job_id
    from stevedore.jobs j
    where
        j.state in ('succeeded', 'failed', 'cancelled')
        and j.job_id < stevedore.first_job_id(now() - $1::double precision * interval '1 day' + interval '1 hour')
        and j.finished_at < now() - $1 * interval '1 day'
        and (j.key is not null or not exists (select from stevedore.jobs c where c.parent_id = j.job_id))
        and (
            j.parent_id is null
            or not exists (
                select from stevedore.jobs p where p.job_id = j.parent_id and p.state in ('queued', 'running')
            )
        )
    order by j.job_id
    limit $2
    for update skip locked
)
