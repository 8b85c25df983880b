-- The columns of the tables $1, as far as they matter for writing to them. In one question, since planning it takes
-- longer than answering it.
select
    wanted.number,
    a.attname::text as name,
    b.typname::text as type,
    b.modifier,
    format_type(a.atttypid, a.atttypmod) as sql_type,
    a.attnotnull or b.not_null as not_null,
    -- The labels of an enum, in their order.
    array(select enumlabel::text from pg_enum where enumtypid = b.oid order by enumsortorder) as labels,
    -- The checks of a domain, in which `value` is the value.
    array(
        select pg_get_expr(conbin, 0)
        from pg_constraint
        where contypid = any (b.domains) and contype = 'c'
        order by conname
    ) as domain_checks,
    -- The type that a domain is of, with the collation in which its checks compare texts.
    format_type(b.oid, b.modifier) || coalesce(
        (
            select format(' collate %I.%I', n.nspname, l.collname)
            from pg_type t
            join pg_collation l on l.oid = t.typcollation
            join pg_namespace n on n.oid = l.collnamespace
            where t.oid = a.atttypid
        ),
        ''
    ) as base_type,
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
from unnest($1::text[]) with ordinality as wanted (name, number)
join pg_attribute a on a.attrelid = to_regclass(wanted.name)
join pg_class c on c.oid = a.attrelid
-- The type that a domain is of, and what the domains on the way say.
cross join lateral (
    with recursive base as (
        select t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod, a.atttypmod as modifier,
            t.typnotnull as not_null, array[t.oid] as domains
        from pg_type t
        where t.oid = a.atttypid
        union all
        select t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod, base.typtypmod,
            base.not_null or t.typnotnull, base.domains || t.oid
        from base
        join pg_type t on t.oid = base.typbasetype
        where base.typtype = 'd'
    )
    select * from base where typtype <> 'd'
) as b
where a.attnum > 0 and not a.attisdropped
order by wanted.number, a.attnum
