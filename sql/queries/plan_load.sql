-- The ledger's row of a load in parts, its plan, and the text of its feed.
with feed as (
    insert into stevedore.feeds (hash, name, text) values ($13, $2, $14) on conflict do nothing
),
planned as (
    insert into stevedore.loads (
        load_id, feed, bucket, key, version, state, mode, reload, format, compression, bytes, started_at,
        job_id, origin, feed_hash
    ) values ($1, $2, $3, $4, $5, 'loading', $6, $7, 'ndjson', 'plain', $8, $9, $10, $11, $13)
)
insert into stevedore.load_parts (load_id, part, start_byte, end_byte)
select $1, part, (part - 1) * $12::bigint, least(part * $12::bigint, $8)
from generate_series(1, ($8 + $12::bigint - 1) / $12::bigint) as part
