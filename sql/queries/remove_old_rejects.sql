-- Removes some rejects of loads of the feed $1 that ended $2 days ago, oldest first, with what was done about
-- them. `{rejects}` is their table.
with last as (
    select max(load_id) as load_id
    from stevedore.loads
    where feed = $1 and state = 'loaded' and finished_at < now() - $2::double precision * interval '1 day'
),
gone as (
    delete from {rejects}
    where ctid in (
        select r.ctid
        from {rejects} r
        where
            r.load_id <= (select load_id from last)
            and exists (
                select
                from stevedore.loads l
                where
                    l.load_id = r.load_id and l.state = 'loaded'
                    and l.finished_at < now() - $2 * interval '1 day'
            )
        order by r.load_id
        limit $3
    )
    returning load_id, record_no, reason
),
forgotten as (
    delete from stevedore.handled_rejects h
    using gone g
    where h.load_id = g.load_id and h.record_no = g.record_no
),
closed as (
    insert into stevedore.open_rejects as o (feed, reason, shard, rejects)
    select $1, g.reason, pg_backend_pid() % 64, -count(*)
    from gone g
    where g.reason is not null and not exists (
        select from stevedore.handled_rejects h where h.load_id = g.load_id and h.record_no = g.record_no
    )
    group by g.reason
    order by g.reason
    on conflict (feed, reason, shard) do update set rejects = o.rejects + excluded.rejects
),
noted as (
    insert into stevedore.removed_rejects as n (load_id, rows)
    select load_id, count(*) from gone group by load_id
    on conflict (load_id) do update set rows = n.rows + excluded.rows
)
select count(*) from gone
