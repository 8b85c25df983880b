-- The columns of a table, as far as they matter for writing to it.
select
    a.attname::text as name,
    t.typname::text as type,
    a.atttypmod as modifier,
    a.attnotnull as not_null,
    a.atthasdef or a.attidentity <> '' as has_default,
    a.attgenerated <> '' as generated,
    c.relkind::text as table_kind,
    -- How many columns share the fullest B-tree index that the column, or an expression of it, is in.
    (
        select max(i.indnatts)::int
        from pg_index i
        join pg_class x on x.oid = i.indexrelid
        join pg_am m on m.oid = x.relam and m.amname = 'btree'
        where
            i.indrelid = a.attrelid
            and (
                a.attnum = any (i.indkey)
                or i.indexprs is not null
                and exists (
                    select
                    from pg_depend d
                    where
                        d.classid = 'pg_class'::regclass
                        and d.objid = i.indexrelid
                        and d.refobjid = a.attrelid
                        and d.refobjsubid = a.attnum
                )
            )
    ) as index_columns
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_type t on t.oid = a.atttypid
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum
