-- Of each of these objects the newest load of another version, by where the object really is; of an unfinished
-- load in parts with the counts of its committed parts.
-- The feed is compared in a way that no index has: in a ledger without statistics, a plan would read all loads of the
-- feed for each object.
select object.at, newest.*
from unnest($2::text[], $3::text[]) with ordinality as object (origin, version, at)
cross join lateral (
    select
        l.load_id, l.version, l.started_at, l.state = 'loaded' as is_complete,
        coalesce(l.loaded, p.loaded, 0) as loaded,
        coalesce(t.rows - l.loaded - l.rejected, p.rows - p.loaded - p.rejected, 0) as child_rows
    from stevedore.loads l
    left join lateral (
        select sum(rows)::bigint as rows from stevedore.load_tables where load_id = l.load_id
    ) as t on true
    left join lateral (
        select
            sum(loaded)::bigint as loaded, sum(rejected)::bigint as rejected,
            sum((select sum((of ->> 'rows')::bigint) from jsonb_array_elements(tables) as of))::bigint as rows
        from stevedore.load_parts
        where load_id = l.load_id and l.state = 'loading'
    ) as p on true
    where
        l.feed || '' = $1 and l.origin = object.origin and l.version <> object.version
        and l.state in ('loaded', 'loading') and l.replay_of is null
    order by l.load_id desc
    limit 1
) as newest
