-- Makes jobs wait again that ended badly, with their feeds as they are now, or with the feed $3, the mode $4 and the
-- answer $5 to whether to load again where these are given, but those for whose version another job is
-- under way; and the jobs over many objects run that they belong to.
with again as (
    update stevedore.jobs
    set
        state = 'queued', earlier_attempts = attempts, crashed_attempts = 0, cancel_requested = false,
        error = null, first_error = null, finished_at = null, next_attempt_at = null,
        feed = coalesce($3::text, feed),
        feed_hash = coalesce($2::jsonb ->> coalesce($3::text, feed), feed_hash),
        mode = coalesce($4::text, mode), reload = coalesce($5::boolean, reload)
    where job_id in (
        -- Of several for one version the newest.
        select distinct on (coalesce($3::text, c.feed), c.bucket, c.key, c.version, c.dry_run, coalesce(c.version, c.job_id::text)) c.job_id
        from stevedore.jobs c
        where
            c.job_id = any($1) and c.state in ('failed', 'cancelled') and not c.children_created
            and not exists (
                select
                from stevedore.jobs l
                where
                    l.feed = coalesce($3::text, c.feed) and l.bucket = c.bucket and l.key = c.key and l.version = c.version
                    and l.dry_run = c.dry_run and l.state in ('queued', 'running')
            )
        order by
            coalesce($3::text, c.feed), c.bucket, c.key, c.version, c.dry_run,
            coalesce(c.version, c.job_id::text), c.job_id desc
    )
    returning job_id, parent_id
),
parents as (
    update stevedore.jobs p
    set state = 'running', cancel_requested = false, finished_at = null
    where
        p.job_id in (select parent_id from again) and p.children_created
        and p.state in ('failed', 'cancelled', 'succeeded')
)
select job_id, parent_id from again
