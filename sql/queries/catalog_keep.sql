-- What was found in objects, in place of what was known of them.
insert into stevedore.catalog_objects (
    crawler, key, version, bytes, format, compression, records, malformed, whole, names, shape, skipped, run,
    reading, path
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (crawler, key) do update set
    version = excluded.version, bytes = excluded.bytes, format = excluded.format,
    compression = excluded.compression, records = excluded.records, malformed = excluded.malformed,
    whole = excluded.whole, names = excluded.names, shape = excluded.shape, skipped = excluded.skipped,
    run = excluded.run, reading = excluded.reading, path = excluded.path,
    crawled_at = clock_timestamp()
