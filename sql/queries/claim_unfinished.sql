-- A load, and whether nobody begins or completes a load of the same version. That lock is the one of
-- claim.sql, but nobody waits for it. It is held until the transaction ends.
select
    feed, (select text from stevedore.feeds where hash = feed_hash) as feed_text,
    bucket || '/' || key as object, version, state, started_at,
    pg_try_advisory_xact_lock(hashtextextended(concat_ws(e'\x1f', feed, origin, version), 0)) as is_free
from stevedore.loads
where load_id = $1::bigint
