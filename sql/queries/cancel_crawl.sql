-- Cancels a run of a crawler that waits for a worker or is a worker's: at once if it waits.
update stevedore.crawlers
set
    cancel_requested = true,
    state = case when state = 'queued' then 'ready' else state end,
    last_run = case when state = 'queued' then $3 else last_run end,
    finished_at = case when state = 'queued' then clock_timestamp() else finished_at end
where name = $1::text and run_id = $2 and state in ('queued', 'running') and requested_by is not null
returning name
