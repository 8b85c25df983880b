-- The columns of each unique index of a table that `on conflict` could name.
select array_agg(a.attname::text order by a.attname) as columns
from pg_index i
cross join unnest(i.indkey) as k (attnum)
join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where
    i.indrelid = to_regclass($1)
    and i.indisunique
    and i.indisvalid
    and i.indimmediate
    and i.indpred is null
    and i.indexprs is null
group by i.indexrelid
