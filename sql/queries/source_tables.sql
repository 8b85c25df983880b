-- The tables of the catalog that objects may belong to: those of the crawlers that have been where an object
-- is ($1), or in its bucket ($2) at its key ($3); a crawler that has found none has a row too.
select found.*, asked.number
from
    unnest($1::text[], $2::text[], $3::text[]) with ordinality as asked (origin, bucket, key, number)
cross join lateral (
    select
        c.name as crawler, c.key, t.table_id, t.name, t.version, t.crawled_at, t.records,
        substr(t.location, length(c.bucket) + 2) as folder, o.names
    from (
        select
            name, target ->> 'bucket' as bucket, coalesce(target ->> 'prefix', '') as prefix,
            case
                when crawlers.origin is null then asked.key
                else substr(asked.origin, length(crawlers.origin) + 1)
            end as key
        from stevedore.crawlers
        where
            target ->> 'kind' = 'objects' and last_run is not null
            and case
                when crawlers.origin is null then target ->> 'bucket' = asked.bucket
                else starts_with(asked.origin, crawlers.origin)
            end
    ) c
    left join stevedore.catalog_tables t
        on t.crawler = c.name and t.kind = 'objects' and t.state = 'active'
    left join stevedore.catalog_objects o on o.crawler = c.name and o.key = c.key
    where starts_with(c.key, c.prefix)
    order by t.crawled_at desc nulls last
    limit 50
) found
order by asked.number, found.crawled_at desc nulls last
