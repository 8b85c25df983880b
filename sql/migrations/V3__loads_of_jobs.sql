-- What the API needs to know of loads: a failure as a word that stays the same, the job that asked (one
-- that loads again on purpose does so once), and where the object really is, so that it is loaded once
-- whether it was named by its path or URL or by a configured bucket.

alter table stevedore.loads
    add column error_code text,
    add column job_id uuid,
    add column origin text;

create index loads_of_object on stevedore.loads (bucket, key, load_id);

create unique index loads_once_from_origin on stevedore.loads (feed, origin, version)
where state = 'loaded' and not reload;
