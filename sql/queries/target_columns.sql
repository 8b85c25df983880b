-- The columns of a table, as far as they matter for writing to it.
select
    a.attname::text as name,
    t.typname::text as type,
    a.atttypmod as modifier,
    a.attnotnull as not_null,
    a.atthasdef or a.attidentity <> '' as has_default,
    a.attgenerated <> '' as generated
from pg_attribute a
join pg_type t on t.oid = a.atttypid
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum
