-- The columns of each unique index of the tables $1 (where it has expressions, also those of them and of
-- its predicate), and whether `on conflict` can name it.
select
    wanted.number,
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
from unnest($1::text[]) with ordinality as wanted (name, number)
join pg_index i on i.indrelid = to_regclass(wanted.name)
where i.indisunique
