-- The load in parts of a version of an object that is not complete, if there is one.
select
    l.load_id, l.mode, l.started_at, count(*) as parts, count(p.committed_at) as committed,
    coalesce(sum(p.text_end - p.text_start), 0)::bigint as bytes,
    coalesce(sum(p.records), 0)::bigint as records,
    coalesce(sum(p.loaded), 0)::bigint as loaded,
    coalesce(sum(p.rejected), 0)::bigint as rejected,
    coalesce(sum(p.log_rows), 0)::bigint as log_rows
from stevedore.loads l
join stevedore.load_parts p using (load_id)
where l.feed = $1::text and l.origin = $2::text and l.version = $3::text and l.state = 'loading'
group by l.load_id
