-- The ledger's row of a load of which nothing was written, and the text of its feed.
with feed as (
    insert into stevedore.feeds (hash, name, text) values ($14, $1, $15) on conflict do nothing
)
insert into stevedore.loads (
    feed, bucket, key, version, state, mode, reload, bytes, started_at, finished_at, seconds, error,
    error_code, job_id, origin, feed_hash
) values ($1, $2, $3, $4, 'failed', $5, $6, $7, $8, clock_timestamp(), $9, $10, $11, $12, $13, $14)
