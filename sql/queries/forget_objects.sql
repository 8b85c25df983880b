-- Forgets some objects that a watch has not seen in its last complete listing, nor on the day before.
delete from stevedore.watch_objects
where
    watch = $1
    and key in (
        select key
        from stevedore.watch_objects
        where watch = $1 and listed_at < $2::timestamptz - interval '1 day'
        order by listed_at
        limit $3
    )
