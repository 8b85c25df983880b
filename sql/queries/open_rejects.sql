-- Open rejects of complete loads of the feed $1, in the order of their loads and numbers: those behind the place ($2, $3), of loads
-- up to $4, and of the load $5, the object $6, the reason $7, the rule $8, the numbers ($9, $10) where these are given.
-- `{rejects}` is the rejects table of the feed.
select
    r.load_id, r.record_no, r.object, r.byte_offset, r.byte_length, r.raw,
    l.bucket, l.key, l.version, coalesce(l.origin, l.bucket || '/' || l.key) as origin, l.mode, l.format, l.compression
from {rejects} r
join stevedore.loads l on l.load_id = r.load_id and l.feed = $1 and l.state = 'loaded'
where
    (r.load_id, r.record_no) > ($2::bigint, $3::bigint)
    and r.load_id <= $4::bigint
    and ($5::bigint is null or r.load_id = $5)
    and ($6::text is null or r.object = $6)
    and ($7::text is null or r.reason = $7)
    and ($8::text is null or r.reason = 'rule' and position(': ' || $8 || ': expected ' in ': ' || r.detail) > 0)
    and (
        $9::bigint[] is null
        or (r.load_id, r.record_no) in (select * from unnest($9, $10::bigint[]))
    )
    and not exists (
        select
        from stevedore.handled_rejects h
        where h.load_id = r.load_id and h.record_no = r.record_no
    )
order by r.load_id, r.record_no
