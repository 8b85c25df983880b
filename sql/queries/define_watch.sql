-- A watch, or what one is to do from now on if $16 allows that. Where it looks elsewhere, it begins anew.
insert into stevedore.watches as w (
    name, bucket, prefix, glob, feed, mode, labels, schedule, every_secs, settle_secs, min_interval_secs, backfill, queue,
    token_sha256, defined_by, next_run_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $17)
on conflict (name) do update
set
    bucket = excluded.bucket, prefix = excluded.prefix, glob = excluded.glob, feed = excluded.feed,
    mode = excluded.mode, labels = excluded.labels, schedule = excluded.schedule, every_secs = excluded.every_secs,
    settle_secs = excluded.settle_secs, min_interval_secs = excluded.min_interval_secs, backfill = excluded.backfill,
    queue = excluded.queue, token_sha256 = coalesce(excluded.token_sha256, w.token_sha256),
    defined_by = excluded.defined_by,
    is_listed = w.is_listed
    and (w.bucket, w.prefix, w.glob) is not distinct from (excluded.bucket, excluded.prefix, excluded.glob),
    watched_from = case
        when (w.bucket, w.prefix, w.glob) is not distinct from (excluded.bucket, excluded.prefix, excluded.glob)
            then w.watched_from
        else excluded.watched_from
    end,
    next_run_at = case
        when
            (w.bucket, w.prefix, w.glob, w.schedule, w.every_secs)
            is not distinct from (
                excluded.bucket, excluded.prefix, excluded.glob, excluded.schedule, excluded.every_secs
            )
            then w.next_run_at
        else excluded.next_run_at
    end
where $16::boolean
returning name
