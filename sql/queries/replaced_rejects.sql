-- Which of these loads had their rows removed by a later load in mode replace of the same object, and by which. The feed is compared as in
-- earlier_versions.sql.
select l.load_id, max(r.load_id) as replaced_by
from stevedore.loads l
join stevedore.loads r
    on r.feed || '' = l.feed and r.origin = l.origin and r.load_id > l.load_id
    and r.state = 'loaded' and r.mode = 'replace' and r.replay_of is null
where l.load_id = any($1::bigint[])
group by l.load_id
