-- Which table an object is in, so that a table stays the same one when its name or its objects change, and a
-- crawler never writes a table of another one.

alter table stevedore.catalog_tables
    -- Where its records are in their documents.
    add column path text not null default '$';

alter table stevedore.catalog_objects
    add column path text,
    add column table_id bigint,
    add constraint catalog_objects_table_fkey foreign key (table_id)
    references stevedore.catalog_tables on delete set null;

create index catalog_objects_of_table on stevedore.catalog_objects (table_id);

-- What is known from before: a crawler that has one table has all of its objects in it.
update stevedore.catalog_objects o
set table_id = t.table_id
from (
    select crawler, min(table_id) as table_id
    from stevedore.catalog_tables
    where kind = 'objects'
    group by crawler
    having count(*) = 1
) t
where o.crawler = t.crawler and cardinality(o.names) > 0;
