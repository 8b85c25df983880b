-- Waits for whoever replaces what was loaded of any of these objects. The locks are taken in one order by all,
-- behind those of the versions.
select pg_advisory_xact_lock(lock)
from (
    select distinct hashtextextended(concat_ws(e'\x1f', 'replace', $1::text, origin), 0) as lock
    from unnest($2::text[]) as origin
    order by 1
) as locks
