-- A table by its name, in a schema or, if none is named, where the search path looks.
select n.nspname::text as schema, c.relname::text as name,
    case when c.reltuples > 0 then c.reltuples::bigint end as rows
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm')
    and c.relname = $2::text
    and case when $1::text is null then pg_table_is_visible(c.oid) else n.nspname = $1 end
