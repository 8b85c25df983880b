-- Waits for whoever loads any of these versions of objects. The locks are taken in one order by all, so that
-- no two wait for each other.
select pg_advisory_xact_lock(lock)
from (
    select hashtextextended(concat_ws(e'\x1f', $1::text, object.origin, object.version), 0) as lock
    from unnest($2::text[], $3::text[]) as object (origin, version)
    order by 1
) as locks
