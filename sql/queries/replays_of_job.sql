-- The replays of a job, with what they did to each table.
select
    l.load_id, l.records, l.loaded, l.rejected, l.rejected_by_reason, l.unknown_fields,
    (
        select coalesce(jsonb_agg(to_jsonb(t) - '{load_id,position}'::text[] order by t.position), '[]')
        from stevedore.load_tables t
        where t.load_id = l.load_id
    ) as tables
from stevedore.loads l
where l.job_id = $1 and l.feed = $2 and l.state = 'loaded' and l.replay_of is not null and l.load_id > $3
order by l.load_id
