-- Claims rejects for replays: each that is there and open is replayed by the load of its row, once this commits. A claim of
-- somebody else is waited for. `{rejects}` is their table; a row that is removed as too old is none any more.
with wanted as (
    select *
    from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
        as w (load_id, record_no, replay_load_id, edited_text)
),
there as (
    select w.*, r.reason, (select l.feed from stevedore.loads l where l.load_id = r.load_id) as feed
    from wanted w
    join {rejects} r on r.load_id = w.load_id and r.record_no = w.record_no
    for key share of r
)
insert into stevedore.handled_rejects (
    load_id, record_no, state, handled_by, note, replay_load_id, edited_text, feed, reason
)
select
    load_id, record_no, 'replayed', coalesce($5::text, session_user), $6::text, replay_load_id, edited_text, feed,
    reason
from there
order by load_id, record_no
on conflict do nothing
returning load_id, record_no
