-- Of each of these objects the newest load of another version, by where the object really is; of an unfinished
-- load in parts with the counts of its committed parts.
select object.at, newest.*
from unnest($2::text[], $3::text[]) with ordinality as object (origin, version, at)
cross join lateral (
    select
        l.load_id, l.version, l.started_at, l.state = 'loaded' as is_complete,
        coalesce(l.loaded, p.loaded, 0) as loaded, coalesce(l.log_rows, p.log_rows, 0) as log_rows
    from stevedore.loads l
    left join lateral (
        select sum(loaded)::bigint as loaded, sum(log_rows)::bigint as log_rows
        from stevedore.load_parts
        where load_id = l.load_id and l.state = 'loading'
    ) as p on true
    where
        l.feed = $1 and l.origin = object.origin and l.version <> object.version
        and l.state in ('loaded', 'loading')
    order by l.load_id desc
    limit 1
) as newest
