-- Open rejects of complete loads of the feed $1, those of the newest loads first, and of the load $4, the object $5, the
-- reason $6, the rule $7, the numbers ($8, $9) where these are given; $10 at most. `{behind}` says which are behind the
-- place ($2, $3): the rest of its load or the loads before, each by itself, so that an index leads to them. `{rejects}` is
-- the rejects table of the feed.
select
    r.load_id, r.record_no, r.reason, r.object, r.byte_offset, r.byte_length, r.raw,
    l.bucket, l.key, l.version, coalesce(l.origin, l.bucket || '/' || l.key) as origin, l.mode, l.format, l.compression
from {rejects} r
join stevedore.loads l on l.load_id = r.load_id and l.feed = $1 and l.state = 'loaded'
where
    {behind}
    and ($4::bigint is null or r.load_id = $4)
    and ($5::text is null or r.object = $5)
    and ($6::text is null or r.reason = $6)
    and ($7::text is null or r.reason = 'rule' and position(': ' || $7 || ': expected ' in ': ' || r.detail) > 0)
    and (
        $8::bigint[] is null
        or (r.load_id, r.record_no) in (select * from unnest($8, $9::bigint[]))
    )
    and not exists (
        select
        from stevedore.handled_rejects h
        where h.load_id = r.load_id and h.record_no = r.record_no
    )
order by r.load_id desc, r.record_no
limit $10::bigint
