-- Open rejects by feed and reason, most first, and their places in the records: an entry of a list is `*`. Only the places
-- of those that are among the newest 500 with their reason, and only of the first twenty groups: so a page looks at 10,000
-- rejects at most. `rejects` selects from the rejects tables, each with the feeds that write to it.
select g.feed, g.reason, g.rejects, coalesce(p.places, '[]') as places
from (
    select feed, reason, rejects, row_number() over (order by rejects desc, feed, reason) as rank
    from (
        select feed, reason, sum(rejects)::bigint as rejects
        from stevedore.open_rejects
        group by feed, reason
        having sum(rejects) > 0
    ) counted
) g
left join lateral (
    select jsonb_agg(jsonb_build_object('place', c.place, 'rejects', c.rejects) order by c.rejects desc, c.place) as places
    from (
        select n.place, count(*) as rejects
        from (
            select regexp_replace(split_part(r.detail, ': ', 1), '/[0-9]+(?=/|$)', '/*', 'g') as place
            from (
                select load_id, record_no, detail
                from ({rejects}) as rejects
                where g.rank <= 20 and g.feed = any (feeds) and reason = g.reason and load_id is not null
                order by load_id desc, record_no
                limit 500
            ) as r
            join stevedore.loads l on l.load_id = r.load_id and l.feed = g.feed and l.state = 'loaded'
            where
                not exists (
                    select from stevedore.handled_rejects h
                    where h.load_id = r.load_id and h.record_no = r.record_no
                )
        ) n
        where n.place like '/%'
        group by n.place
        order by rejects desc, n.place
        limit 5
    ) c
) p on true
order by g.rank
limit 200
