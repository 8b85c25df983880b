-- Ignores some open rejects, with the note $11, for $12. The query that selects them is put in.
with page as (
    select load_id, record_no, reason
    from ({open}) as open
),
ignored as (
    insert into stevedore.handled_rejects (load_id, record_no, state, handled_by, note, feed, reason)
    select load_id, record_no, 'ignored', coalesce($12::text, session_user), $11::text, $1, reason
    from page
    order by load_id, record_no
    on conflict do nothing
    returning load_id
)
select
    (select count(*) from ignored) as ignored,
    (select array[load_id, record_no] from page order by load_id, record_no desc limit 1) as last
