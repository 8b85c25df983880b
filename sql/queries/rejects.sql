-- Rejected records, those of the newest loads first, in order of their places; not yet those of loads
-- that are not complete, whose numbers are not final. `{rejects}` selects from the rejects tables of all
-- feeds. The text of all fields may be long: it is cut, so that a page is bounded. Only rows that are
-- fetched are cut, which is why the rows are sorted and limited within.
select
    page.load_id, l.feed, page.object, page.object_version, page.record_no, page.byte_offset, page.byte_length,
    page.reason, page.detail, page.raw, left(page.concat, 65536) as concat,
    page.ingested_at at time zone 'UTC' as ingested_at,
    coalesce(h.state, 'open') as state, h.handled_by, h.handled_at, h.note, h.replay_load_id, h.edited_text,
    l.replay_of
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
        and (
            $7::text is null
            or $7 = coalesce(
                (
                    select d.state
                    from stevedore.handled_rejects d
                    where d.load_id = rejects.load_id and d.record_no = rejects.record_no
                ),
                'open'
            )
        )
        and ($8::text is null or reason = 'rule' and position(': ' || $8 || ': expected ' in ': ' || detail) > 0)
        and ($9::bigint is null or record_no = $9)
    order by load_id desc, record_no
    limit $6::bigint
) as page
left join stevedore.loads l on l.load_id = page.load_id
left join stevedore.handled_rejects h on h.load_id = page.load_id and h.record_no = page.record_no
order by page.load_id desc, page.record_no
