-- Workers, with what they run. A process has one for each load that it does at the same time.
select
    w.id as worker_id,
    (w.metadata ->> 'pid')::bigint as process_id,
    w.last_heartbeat_at >= now() - make_interval(secs => $1) as alive,
    w.started_at,
    w.last_heartbeat_at,
    j.running,
    j.job_ids,
    c.crawlers
from stevedore_queue._private_workers w
cross join lateral (
    select count(*) as running, coalesce((array_agg(j.job_id order by j.job_id desc))[:100], '{}') as job_ids
    from stevedore.jobs j
    where j.state = 'running' and j.worker = w.id and not j.children_created
) j
cross join lateral (
    select coalesce(array_agg(q.payload ->> 'crawler'), '{}') as crawlers
    from stevedore_queue._private_jobs q
    where q.locked_by = w.id and q.payload ->> 'crawler' is not null
) c
order by alive desc, w.started_at, w.id
limit 1000
