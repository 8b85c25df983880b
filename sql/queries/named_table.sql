-- A table by its name where the search path looks, by schema and name, or by its name in the catalog.
select n.nspname::text as schema, c.relname::text as name,
    case when c.reltuples > 0 then c.reltuples::bigint end as rows
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join lateral (
    select case
        when c.relname = $1::text and pg_table_is_visible(c.oid) then 1
        when n.nspname || '.' || c.relname = $1 then 2
        when concat_ws('_', 'postgres', current_database(), n.nspname, c.relname) = $1 then 3
    end as place
) found
where c.relkind in ('r', 'p', 'f', 'v', 'm') and found.place is not null
order by found.place, n.nspname, c.relname
limit 1
