-- Of each of these objects the loads whose rows are there, by where the object really is: those since the last
-- load in mode replace, which removed all before it. Replays only add to the rows of what they replay.
-- The feed is compared as in earlier_versions.sql.
select array(
    select l.load_id
    from stevedore.loads l
    where
        l.feed || '' = $1 and l.origin = object.origin and l.state = 'loaded'
        and l.load_id >= coalesce(
            (
                select max(r.load_id)
                from stevedore.loads r
                where
                    r.feed || '' = $1 and r.origin = object.origin and r.state = 'loaded'
                    and r.mode = 'replace' and r.replay_of is null
            ),
            0
        )
) as load_ids
from unnest($2::text[]) with ordinality as object (origin, at)
order by object.at
