-- The ledger's row of a load in parts, all of which are committed, and what they did to each table.
with completed as (
    update stevedore.loads
    set
        state = 'loaded', records = $2, loaded = $3, rejected = $4,
        rejected_by_reason = $5, unknown_fields = $6, finished_at = clock_timestamp(),
        seconds = extract(epoch from clock_timestamp() - started_at), job_id = coalesce($7, job_id)
    where load_id = $1 and state = 'loading'
    returning load_id, seconds
),
tables as (
    insert into stevedore.load_tables (
        load_id, position, "table", rows, inserted, updated, unchanged, superseded, deleted
    )
    select
        c.load_id, of.position, t."table", t.rows, t.inserted, t.updated, t.unchanged, t.superseded,
        t.deleted
    from completed c
    cross join jsonb_array_elements($8::jsonb) with ordinality as of (counts, position)
    cross join jsonb_populate_record(null::stevedore.load_tables, of.counts) as t
)
select seconds from completed
