-- The columns of the tables of some schemas, with keys and the server's estimates. Only tables that the
-- role may use at all; a partition is a part of its table.
select
    format('%I.%I.%I', current_database(), c.table_schema, c.table_name) as location,
    current_database()::text as database, c.table_schema::text as schema, c.table_name::text as "table",
    c.column_name::text as "column", c.data_type::text as data_type, c.numeric_scale::int as scale,
    format_type(a.atttypid, a.atttypmod) as declared, c.is_nullable = 'YES' as nullable, k.key,
    case when r.reltuples >= 0 then r.reltuples::bigint end as rows,
    greatest(
        pg_total_relation_size(r.oid),
        (select sum(pg_total_relation_size(p.relid))::bigint from pg_partition_tree(r.oid) p)
    ) as bytes,
    s.null_frac as null_share, s.n_distinct as distinct_values
from information_schema.columns c
join pg_namespace n on n.nspname = c.table_schema
join pg_class r on r.relnamespace = n.oid and r.relname = c.table_name
join pg_attribute a on a.attrelid = r.oid and a.attname = c.column_name
left join pg_stats s on s.schemaname = n.nspname and s.tablename = r.relname
    and s.attname = a.attname and s.inherited = (r.relkind = 'p')
left join lateral (
    select
        case
            when bool_or(contype = 'p') then 'primary'
            when bool_or(contype = 'u') then 'unique'
            when bool_or(contype = 'f') then 'foreign'
        end as key
    from pg_constraint where conrelid = r.oid and a.attnum = any (conkey)
) k on true
where c.table_schema = any ($1::text[]) and r.relkind in ('r', 'p', 'f') and not r.relispartition
order by c.table_schema, c.table_name, c.ordinal_position
