-- A page of rejected records, those of the newest loads first, in order of their places. `page` selects them:
-- rejects_page.sql, or rejects_in_state.sql. The text of all fields may be long: it is cut, so that a page is bounded. Only
-- rows that are fetched are cut, which is why the rows are sorted and limited within.
select
    page.load_id, l.feed, page.object, page.object_version, page.record_no, page.byte_offset, page.byte_length,
    page.reason, page.detail, page.raw, left(page.concat, 65536) as concat,
    page.ingested_at at time zone 'UTC' as ingested_at,
    coalesce(h.state, 'open') as state, h.handled_by, h.handled_at, h.note, h.replay_load_id, h.edited_text,
    l.replay_of
from ({page}) as page
left join stevedore.loads l on l.load_id = page.load_id
left join stevedore.handled_rejects h on h.load_id = page.load_id and h.record_no = page.record_no
order by page.load_id desc, page.record_no
