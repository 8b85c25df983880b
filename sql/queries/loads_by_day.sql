-- The loads of the feed $1 on each of the last 28 days (UTC), of the newest 10,000 loads.
with newest as (
    select date_trunc('day', started_at at time zone 'UTC') as day, state, records, rejected
    from (
        select started_at, state, records, rejected
        from stevedore.loads
        where feed = $1
        order by load_id desc
        limit 10000
    ) l
)

select
    day::date as day,
    count(*) filter (where state = 'loaded') as loaded,
    count(*) filter (where state = 'failed') as failed,
    coalesce(sum(records) filter (where state = 'loaded'), 0)::bigint as records,
    coalesce(sum(rejected) filter (where state = 'loaded'), 0)::bigint as rejected
from generate_series(
    date_trunc('day', now() at time zone 'UTC') - interval '27 days',
    date_trunc('day', now() at time zone 'UTC'), interval '1 day'
) as day
left join newest using (day)
group by day
order by day
