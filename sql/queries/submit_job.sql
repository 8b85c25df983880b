-- A request for the load of one version of an object, with its entry in the queue; none where a job for the version is
-- under way.
with job as (
    insert into stevedore.jobs (
        job_id, feed, feed_hash, bucket, key, version, bytes, mode, dry_run, reload, catalog, max_rejected,
        requested_by, request_id, is_pinned, labels, webhook, traceparent
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    on conflict (feed, bucket, key, version, dry_run) where key is not null and state in ('queued', 'running')
    do nothing
    returning *
),
entry as (
    -- What the queue's `add_job` writes, without its notification: commits with one wait for each other.
    insert into stevedore_queue._private_jobs (task_id, payload, key)
    select
        (select id from stevedore_queue._private_tasks where identifier = 'attempt'),
        json_build_object('job_id', job_id), job_id::text
    from job
    returning id
)
select job.*, null::integer as key_count, null::jsonb as jobs
from job
cross join entry
