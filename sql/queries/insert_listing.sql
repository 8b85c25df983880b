-- A request for loads of many objects, or for something about rejects.
insert into stevedore.jobs (
    job_id, feed, bucket, prefix, glob, mode, dry_run, reload, requested_by, request_id, catalog, max_rejected,
    feed_hash, keys, labels, webhook, rejects, traceparent
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
returning *, cardinality(keys) as key_count, null::jsonb as jobs
