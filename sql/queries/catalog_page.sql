-- The newest version of the tables of the catalog, in order of their databases and names, behind a place.
select
    t.table_id, t.database, t.name, t.kind, t.state, t.version, t.location, t.classification, t.format,
    t.compression, t.objects, t.records, t.bytes, t.sampled, t.crawler, t.path,
    t.created_at, t.updated_at, t.crawled_at, v.columns,
    c.origin || substr(t.location, length(c.target ->> 'bucket') + 2) as url
from stevedore.catalog_tables t
join stevedore.catalog_versions v using (table_id, version)
left join stevedore.crawlers c on c.name = t.crawler and t.kind = 'objects'
where
    ($1::text is null or t.database = $1)
    and ($2::text is null or (t.database, t.name) > ($2, $3::text))
order by t.database, t.name
limit $4::bigint
