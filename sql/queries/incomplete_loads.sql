-- Of these versions of objects the first one that is being loaded in parts, and is not complete.
select load_id, mode, started_at, feed_hash
from unnest($2::text[], $3::text[]) as object (origin, version)
cross join lateral (
    select load_id, mode, started_at, feed_hash
    from stevedore.loads
    where feed = $1 and origin = object.origin and version = object.version and state = 'loading'
    limit 1
) as load
limit 1
