-- What the ledger says of loads, and what of them is in the tables. The names of the tables and the time
-- of ingestion, in UTC whatever the column's type is, are put in.
with loads as (
    select *, started_at at time zone 'UTC' as at
    from stevedore.loads
    where feed = $1 and state = 'loaded' and ($2::bigint is null or load_id = $2)
),
status as (select {status_at} as at, count(*) as n from {status} group by 1),
log as (select {log_at} as at, count(*) as n from {log} group by 1),
rejected as (select load_id, count(*) as n from {rejected} group by 1)
select
    load_id, bucket || '/' || key as object, origin, version, mode, format, records, loaded, rejected,
    log_rows, coalesce(inserted + updated, loaded) as status_rows,
    coalesce(status.n, 0) as status_found, coalesce(log.n, 0) as log_found,
    coalesce(r.n, 0) as rejected_found
from loads
left join status using (at)
left join log using (at)
left join rejected r using (load_id)
order by load_id
