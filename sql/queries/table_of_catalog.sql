-- A table of this database by its name in the catalog.
select n.nspname::text as schema, c.relname::text as name,
    case when c.reltuples > 0 then c.reltuples::bigint end as rows
from stevedore.catalog_tables t
join pg_namespace n on true
join pg_class c on c.relnamespace = n.oid
where t.name = $1::text and t.kind = 'postgres'
    and c.relkind in ('r', 'p', 'f', 'v', 'm')
    and t.location = format('%I.%I.%I', current_database(), n.nspname, c.relname)
order by t.database
limit 1
