-- Rejected records, those of the newest loads first, in order of their places; not yet those of loads
-- that are not complete, whose numbers are not final. `{rejects}` selects from the rejects tables of all
-- feeds. The text of all fields may be long: it is cut, so that a page is bounded. Only rows that are
-- fetched are cut, which is why the rows are sorted and limited within.
select
    load_id, object, object_version, record_no, byte_offset, byte_length, reason, detail, raw,
    left(concat, 65536) as concat,
    ingested_at at time zone 'UTC' as ingested_at
from (
    select *
    from ({rejects}) as rejects
    where
        load_id is not null
        and load_id not in (select load_id from stevedore.loads where state = 'loading')
        and ($1::bigint is null or load_id = $1)
        and ($2::text is null or object = $2)
        and ($3::text is null or reason = $3)
        and ($4::bigint is null or load_id < $4 or load_id = $4 and record_no > $5::bigint)
    order by load_id desc, record_no
    limit $6::bigint
) as page
order by load_id desc, record_no
