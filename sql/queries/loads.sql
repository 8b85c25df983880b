-- The ledger, newest first.
select
    l.load_id, l.feed, l.bucket, l.key, l.version, l.state, l.mode, l.reload, l.format, l.compression,
    l.bytes, l.records, l.loaded, l.rejected, l.rejected_by_reason, l.unknown_fields, l.started_at, l.finished_at,
    l.seconds, l.error_code, l.error, l.job_id, l.feed_hash, l.replay_of, p.parts, p.parts_committed,
    case
        when l.state = 'loaded'
            then greatest(
                l.rejected - coalesce(gone.rows, 0) - coalesce(c.replayed, 0) - coalesce(c.ignored, 0), 0
            )
    end as rejects_open,
    (
        select coalesce(jsonb_agg(to_jsonb(t) - '{load_id,position}'::text[] order by t.position), '[]')
        from stevedore.load_tables t
        where t.load_id = l.load_id
    ) as tables
from stevedore.loads l
left join stevedore.reject_counts c using (load_id)
left join stevedore.removed_rejects gone using (load_id)
left join lateral (
    select count(*) as parts, count(c.committed_at) as parts_committed
    from stevedore.load_parts c
    where c.load_id = l.load_id
    having count(*) > 0
) p on true
where
    ($1::bigint is null or l.load_id = $1)
    and ($2::text is null or l.state = $2)
    and ($3::text is null or l.bucket = $3)
    and ($4::text is null or l.key = $4)
    and ($5::timestamptz is null or l.started_at >= $5)
    and ($6::timestamptz is null or l.started_at < $6)
    and ($7::bigint is null or l.load_id < $7)
    and ($9::text is null or l.feed = $9)
    and ($10::text is null or position($10 in l.bucket || '/' || l.key) > 0)
order by l.load_id desc
limit $8
