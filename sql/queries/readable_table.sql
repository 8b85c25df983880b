-- A table whose rows the API shows, as SQL takes it: one of some by its name where the search path looks, or
-- one that the catalog has of this database by its name there; if the role may read it.
select format('%I.%I', n.nspname, c.relname) as quoted, n.nspname::text as schema
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm')
    and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    and (
        $1::text = any ($2::text[])
            and (c.relname = $1 and pg_table_is_visible(c.oid) or concat_ws('.', n.nspname, c.relname) = $1)
        or format('%I.%I.%I', current_database(), n.nspname, c.relname) in (
            select t.location from stevedore.catalog_tables t where t.name = $1 and t.kind = 'postgres'
        )
    )
limit 1
