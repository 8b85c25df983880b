-- What the ledger says of loads, and what of them is in the tables; of a load that is not complete, what
-- it says of the parts that are committed. The names of the tables and the time of ingestion, in UTC
-- whatever the column's type is, are put in.
with parts as (
    select
        load_id, count(*) as parts, count(committed_at) as committed, sum(records)::bigint as records,
        sum(loaded)::bigint as loaded, sum(rejected)::bigint as rejected, sum(log_rows)::bigint as log_rows
    from stevedore.load_parts
    group by load_id
),
loads as (
    select
        l.load_id, l.bucket, l.key, l.origin, l.version, l.mode, l.format, l.inserted, l.updated,
        l.started_at at time zone 'UTC' as at,
        case when l.state = 'loading' then p.parts end as parts,
        p.committed,
        coalesce(l.records, p.records, 0) as records,
        coalesce(l.loaded, p.loaded, 0) as loaded,
        coalesce(l.rejected, p.rejected, 0) as rejected,
        coalesce(l.log_rows, p.log_rows, 0) as log_rows
    from stevedore.loads l
    left join parts p using (load_id)
    where l.feed = $1 and l.state in ('loaded', 'loading') and ($2::bigint is null or l.load_id = $2)
),
status as (select {status_at} as at, count(*) as n from {status} group by 1),
log as (select {log_at} as at, count(*) as n from {log} group by 1),
rejected as (select load_id, count(*) as n from {rejected} group by 1)
select
    load_id, bucket || '/' || key as object, origin, version, mode, format, parts, committed, records,
    loaded, rejected, log_rows, coalesce(inserted + updated, loaded) as status_rows,
    coalesce(status.n, 0) as status_found, coalesce(log.n, 0) as log_found,
    coalesce(r.n, 0) as rejected_found
from loads
left join status using (at)
left join log using (at)
left join rejected r using (load_id)
order by load_id
