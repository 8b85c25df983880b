-- Makes a crawler wait for a worker, unless it does already or is under way.
update stevedore.crawlers
set
    state = 'queued', run_id = $2, requested_by = $3, queued_at = clock_timestamp(), started_at = null,
    finished_at = null, progress = null, crashed_attempts = 0, cancel_requested = false
where
    name = $1::text
    and (state = 'ready' or state = 'running' and requested_by is null)
    and not stevedore.is_crawling(name)
returning name
