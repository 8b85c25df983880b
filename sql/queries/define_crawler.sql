-- What a crawler is to do; its schedule and what is known of its last run stay.
insert into stevedore.crawlers (name, database, target, on_change, on_delete)
values ($1, $2, $3, $4, $5)
on conflict (name) do update set
    database = excluded.database, target = excluded.target, on_change = excluded.on_change,
    on_delete = excluded.on_delete
