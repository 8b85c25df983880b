-- How far a load in parts is.
select
    count(*) as parts, count(committed_at) as committed,
    coalesce(sum(text_end - text_start), 0)::bigint as bytes,
    coalesce(sum(records), 0)::bigint as records,
    coalesce(sum(loaded), 0)::bigint as loaded,
    coalesce(sum(rejected), 0)::bigint as rejected
from stevedore.load_parts
where load_id = $1::bigint
