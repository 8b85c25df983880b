-- Open rejects by feed and reason, most first, and in which places the newest of them are: an entry of a list is `*`.
-- The places of the first twenty groups only, so that a page looks at 2,000 rejects at most. `rejects` selects from the
-- rejects tables, each with the feeds that write to it, and `open` the loads with open rejects.
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
                select load_id
                from ({open}) as loads
                where g.rank <= 20 and feed = g.feed and rejected_by_reason ? g.reason
                order by load_id desc
                limit 100
            ) as l
            cross join lateral (
                select rejects.detail
                from ({rejects}) as rejects
                where
                    g.feed = any (rejects.feeds) and rejects.reason = g.reason and rejects.load_id = l.load_id
                    and not exists (
                        select from stevedore.handled_rejects h
                        where h.load_id = rejects.load_id and h.record_no = rejects.record_no
                    )
                order by rejects.record_no
                limit 100
            ) as r
            limit 100
        ) n
        where n.place like '/%'
        group by n.place
        order by rejects desc, n.place
        limit 5
    ) c
) p on true
order by g.rank
limit 200
