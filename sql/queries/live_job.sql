-- The job that is under way for a version of an object.
select job_id, mode, reload, catalog, max_rejected, is_pinned, webhook
from stevedore.jobs
where
    feed = $1 and bucket = $2 and key = $3 and version = $4 and dry_run = $5
    and state in ('queued', 'running')
