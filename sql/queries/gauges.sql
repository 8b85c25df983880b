-- What monitoring asks for, as names with a label and a value.
select 'jobs' as name, state as label, count(*)::float8 as value
from stevedore.jobs
where state in ('queued', 'running') and not children_created
group by state
union all
(
    select 'oldest_queued', null, extract(epoch from now() - created_at)::float8
    from stevedore.jobs
    where state = 'queued' and not children_created
    order by job_id
    limit 1
)
union all
select
    'workers',
    case when last_heartbeat_at >= now() - interval '8 seconds' then 'alive' else 'silent' end,
    count(*)::float8
from stevedore_queue._private_workers
group by 2
union all
select 'crawler', c.name, extract(epoch from r.finished_at)::float8
from stevedore.crawlers c
cross join lateral (
    select finished_at
    from stevedore.crawler_runs
    where crawler = c.name and state = 'ended' and finished_at is not null and report -> 'error' is null
    order by run_id desc
    limit 1
) r
union all
select 'watch', name, extract(epoch from last_success_at)::float8
from stevedore.watches
where last_success_at is not null
