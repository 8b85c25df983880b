-- A table as a crawl has found it, in place of what was known of it, if it is known ($15); its version is the
-- one that is in force.
with updated as (
    update stevedore.catalog_tables
    set
        database = $1, name = $2, kind = $3, state = 'active', version = $4, location = $5, classification = $6,
        format = $7, compression = $8, objects = $9, records = $10, bytes = $11, sampled = $12, crawler = $13,
        path = $14,
        updated_at = case when version = $4 then updated_at else clock_timestamp() end,
        crawled_at = clock_timestamp()
    where table_id = $15
    returning table_id
),

inserted as (
    insert into stevedore.catalog_tables (
        database, name, kind, version, location, classification, format, compression, objects, records,
        bytes, sampled, crawler, path
    )
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
    where $15::bigint is null
    returning table_id
)

select table_id from updated
union all
select table_id from inserted
