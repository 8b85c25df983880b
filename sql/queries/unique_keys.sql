-- The columns of each unique index of a table (where it has expressions, also those of them and of
-- its predicate), and whether `on conflict` can name it.
select
    array(
        select a.attname::text
        from pg_attribute a
        where
            a.attrelid = i.indrelid
            and (
                a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                or i.indexprs is not null
                and exists (
                    select
                    from pg_depend d
                    where
                        d.classid = 'pg_class'::regclass
                        and d.objid = i.indexrelid
                        and d.refobjid = i.indrelid
                        and d.refobjsubid = a.attnum
                )
            )
        order by a.attname
    ) as columns,
    i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null as is_arbiter
from pg_index i
where i.indrelid = to_regclass($1) and i.indisunique
