-- A request for loads of many objects.
insert into stevedore.jobs (
    job_id, feed, bucket, prefix, glob, mode, dry_run, reload, requested_by, request_id, catalog, max_rejected,
    feed_hash, keys, labels, webhook
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
returning *, cardinality(keys) as key_count, null::jsonb as jobs
