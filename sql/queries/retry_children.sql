-- Makes some of the jobs wait again that ended badly and that a job over many objects has brought
-- about, but those for whose version another job is under way.
update stevedore.jobs
set
    state = 'queued', earlier_attempts = attempts, crashed_attempts = 0, cancel_requested = false,
    error = null, first_error = null, finished_at = null, next_attempt_at = null,
    feed = coalesce($3::text, feed), feed_hash = coalesce($2::jsonb ->> coalesce($3::text, feed), feed_hash),
    mode = coalesce($4::text, mode), reload = coalesce($5::boolean, reload)
where job_id in (
    select c.job_id
    from stevedore.jobs c
    where
        c.parent_id = $1 and c.state in ('failed', 'cancelled')
        and not exists (
            select
            from stevedore.jobs l
            where
                l.feed = coalesce($3::text, c.feed) and l.bucket = c.bucket and l.key = c.key and l.version = c.version
                and l.dry_run = c.dry_run and l.state in ('queued', 'running')
        )
    order by c.job_id
    limit 500
)
returning job_id
