-- The newest load of a version of an object, if it is loaded: by its bucket and key, or from where it
-- really is.
select load_id, started_at, mode, records, loaded, rejected, log_rows, seconds, rejected_by_reason, unknown_fields
from stevedore.loads
where
    feed = $1 and version = $4 and state = 'loaded'
    and (bucket = $2 and key = $3 or origin = $6)
    and ($5::uuid is null or job_id = $5)
order by load_id desc
limit 1
