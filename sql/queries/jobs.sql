-- Jobs as they are told: those over many objects with the sums over their own jobs.
select
    j.job_id, j.parent_id, j.feed, j.feed_hash, j.bucket, j.key, j.prefix, j.glob, cardinality(j.keys) as key_count, j.labels, j.webhook, j.is_pinned, j.mode, j.dry_run, j.reload, j.catalog, j.version, j.max_rejected, j.rejects,
    j.state, j.attempts, j.cancel_requested, j.load_id, j.summary, j.error, j.first_error,
    j.requested_by, j.request_id, j.created_at, j.started_at, j.finished_at, j.next_attempt_at,
    coalesce(c.bytes, j.bytes) as bytes,
    coalesce(c.bytes_read, j.bytes_read) as bytes_read,
    coalesce(c.records, j.records) as records,
    coalesce(c.loaded, j.loaded) as loaded,
    coalesce(c.rejected, j.rejected) as rejected,
    c.jobs, w.worker
from stevedore.jobs j
left join lateral (
    select
        sum(bytes)::bigint as bytes,
        sum(bytes_read)::bigint as bytes_read,
        sum(records)::bigint as records,
        sum(loaded)::bigint as loaded,
        sum(rejected)::bigint as rejected,
        jsonb_build_object(
            'queued', count(*) filter (where state = 'queued'),
            'running', count(*) filter (where state = 'running'),
            'succeeded', count(*) filter (where state = 'succeeded'),
            'failed', count(*) filter (where state = 'failed'),
            'cancelled', count(*) filter (where state = 'cancelled'),
            'already_loaded', count(*) filter (where already_loaded)
        ) as jobs
    from stevedore.jobs
    where parent_id = j.job_id
) c on j.key is null
left join lateral (
    select jsonb_build_object(
        'worker_id', j.worker,
        'last_heartbeat_at', q.last_heartbeat_at,
        -- As long as workers wait until they take over.
        'silent', coalesce(q.last_heartbeat_at < now() - interval '8 seconds', true)
    ) as worker
    from (select) one
    left join stevedore_queue._private_workers q on q.id = j.worker
) w on j.state = 'running' and not j.children_created
