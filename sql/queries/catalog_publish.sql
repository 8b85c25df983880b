-- A table as a crawl has found it; its version is the one that is in force.
insert into stevedore.catalog_tables (
    database, name, kind, version, location, classification, format, compression, objects, records,
    bytes, sampled, crawler
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (database, name) do update set
    kind = excluded.kind, state = 'active', version = excluded.version, location = excluded.location,
    classification = excluded.classification, format = excluded.format,
    compression = excluded.compression, objects = excluded.objects, records = excluded.records,
    bytes = excluded.bytes, sampled = excluded.sampled, crawler = excluded.crawler,
    updated_at = case
        when catalog_tables.version = excluded.version then catalog_tables.updated_at
        else clock_timestamp()
    end,
    crawled_at = clock_timestamp()
returning table_id
