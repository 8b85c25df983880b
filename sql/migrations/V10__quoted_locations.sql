-- Where a table of Postgres is, is written as SQL takes it: `"a.b".t` and `a."b.t"` were one location.
-- Where two tables had the same one, it stays as it is until the next crawl, and leads to neither.
update stevedore.catalog_tables t
set location = f.location
from (
    select concat_ws('.', current_database(), n.nspname, c.relname) as before,
        min(format('%I.%I.%I', current_database(), n.nspname, c.relname)) as location
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm')
    group by 1
    having count(*) = 1
) f
where t.kind = 'postgres' and t.location = f.before;
