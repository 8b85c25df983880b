-- Of each of these versions of objects the newest load, if it is loaded: by its bucket and key, or from where
-- it really is.
-- The feed is compared in a way that no index has: in a ledger without statistics, a plan would read all loads of the
-- feed for each object.
select
    object.at, load_id, started_at, mode, records, loaded, rejected, seconds, rejected_by_reason,
    unknown_fields,
    (
        select coalesce(jsonb_agg(to_jsonb(t) - '{load_id,position}'::text[] order by t.position), '[]')
        from stevedore.load_tables t
        where t.load_id = newest.load_id
    ) as tables
from unnest($2::text[], $3::text[], $4::text[], $5::text[])
    with ordinality as object (bucket, key, version, origin, at)
cross join lateral (
    select *
    from stevedore.loads
    where
        feed || '' = $1 and version = object.version and state = 'loaded' and replay_of is null
        and (bucket = object.bucket and key = object.key or origin = object.origin)
        and ($6::uuid is null or job_id = $6)
    order by load_id desc
    limit 1
) as newest
