-- Crawlers, or one. One that ran where it was asked for, and whose process is gone, runs no more; one that
-- a worker runs is taken over by another.
select
    name, database, target, on_change, on_delete, schedule, next_run_at, run_id, requested_by, queued_at,
    started_at, finished_at, progress, last_run,
    case
        when state = 'running' and requested_by is null and not stevedore.is_crawling(name) then 'ready'
        else state
    end as state
from stevedore.crawlers
where $1::text is null or name = $1
order by name
