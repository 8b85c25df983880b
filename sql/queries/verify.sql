-- What the ledger says of loads, and how many rows of each are in the tables; of a load that is not
-- complete, what it says of the parts that are committed. Rejects that were removed since they were too old count as
-- if they were there. Also what was done about the rejects of each load, and of a replay how many it has claimed. What counts the rows of each table by load, and which
-- tables these are, is put in.
with parts as (
    select
        load_id, count(*) as parts, count(committed_at) as committed, sum(records)::bigint as records,
        sum(loaded)::bigint as loaded, sum(rejected)::bigint as rejected
    from stevedore.load_parts
    group by load_id
),
loads as (
    select
        l.load_id, l.bucket, l.key, l.origin, l.version, l.mode, l.format,
        l.started_at at time zone 'UTC' as at,
        case when l.state = 'loading' then p.parts end as parts,
        p.committed,
        coalesce(l.records, p.records, 0) as records,
        coalesce(l.loaded, p.loaded, 0) as loaded,
        coalesce(l.rejected, p.rejected, 0) as rejected,
        l.replay_of,
        -- Whether a later load in mode replace has removed its rows.
        exists (
            select
            from stevedore.loads r
            where
                r.feed = l.feed and r.origin = l.origin and r.load_id > l.load_id
                and r.state = 'loaded' and r.mode = 'replace' and r.replay_of is null
        )::int as is_replaced
    from stevedore.loads l
    left join parts p using (load_id)
    where l.feed = $1 and l.state in ('loaded', 'loading') and ($2::bigint is null or l.load_id = $2)
),
written (load_id, "table", position, rows) as (
    select load_id, "table", position, inserted + updated from stevedore.load_tables
    union all
    select p.load_id, t.counts ->> 'table', t.position::integer, sum((t.counts ->> 'rows')::bigint)
    from stevedore.load_parts p
    join stevedore.loads l on l.load_id = p.load_id and l.state = 'loading'
    cross join jsonb_array_elements(p.tables) with ordinality as t (counts, position)
    group by 1, 2, 3
),
found (load_id, "table", rows) as (
    {found}
),
open (load_id, rows) as (
    select r.load_id, count(*)
    from {rejects_table} r
    where not exists (
        select
        from stevedore.handled_rejects h
        where h.load_id = r.load_id and h.record_no = r.record_no
    )
    group by r.load_id
),
handled as (
    select
        load_id, count(*) filter (where state = 'replayed') as replayed,
        count(*) filter (where state = 'ignored') as ignored
    from stevedore.handled_rejects
    group by load_id
),
claims (load_id, rows) as (
    select replay_load_id, count(*) from stevedore.handled_rejects group by replay_load_id
)
select
    l.load_id, l.bucket || '/' || l.key as object, l.origin, l.version, l.mode, l.format, l.parts,
    l.committed, l.records, l.loaded, l.rejected, l.is_replaced, l.replay_of,
    coalesce((select o.rows from open o where o.load_id = l.load_id), 0) as open,
    coalesce((select h.replayed from handled h where h.load_id = l.load_id), 0) as replayed,
    coalesce((select h.ignored from handled h where h.load_id = l.load_id), 0) as ignored,
    coalesce((select r.rows from stevedore.removed_rejects r where r.load_id = l.load_id), 0) as removed,
    coalesce((select c.rows from claims c where c.load_id = l.load_id), 0) as claims,
    (exists (select from stevedore.removed_rejects r where r.load_id = l.replay_of))::int as is_forgotten,
    (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'table', w."table", 'ledger', w.rows,
                        'table_rows', coalesce(f.rows, c.rows)
                        + case when w."table" = {rejects} then coalesce(r.rows, 0) else 0 end
                    )
                    order by w.position
                ),
                '[]'
            )::text
        from written w
        left join found f using (load_id, "table")
        left join stevedore.removed_rejects r using (load_id)
        -- A table whose rows cannot be told by load is not among these.
        left join (values {counted}) as c ("table", rows) using ("table")
        where w.load_id = l.load_id
    ) as tables
from loads l
order by l.load_id
