-- What is needed to define crawlers, to have workers run them, at once or by a schedule, and to see how
-- their runs go.

update stevedore.crawlers
set state = 'ready', target = target || jsonb_build_object('kind', kind);

alter table stevedore.crawlers
    -- It stands in the target.
    drop column kind,
    drop constraint crawlers_state_known,
    -- Where its bucket really is, whatever its name.
    add column origin text,
    -- What becomes of tables that changed, and of those whose objects are gone.
    add column on_change text not null default 'update',
    add column on_delete text not null default 'deprecate',
    -- When a crawler that has a schedule is due.
    add column next_run_at timestamptz,
    -- The run that waits, goes on or has ended last.
    add column run_id uuid,
    -- Who asked a worker for it; nobody, if it runs where it was asked for.
    add column requested_by text,
    add column queued_at timestamptz,
    add column started_at timestamptz,
    add column finished_at timestamptz,
    -- Attempts at the run whose worker died.
    add column deaths integer not null default 0,
    add column progress jsonb,
    add constraint crawlers_state_known check (state in ('ready', 'queued', 'running')),
    add constraint crawlers_on_change_known check (on_change in ('update', 'add_columns', 'log')),
    add constraint crawlers_on_delete_known check (on_delete in ('deprecate', 'delete', 'log'));

create index crawlers_due on stevedore.crawlers (next_run_at) where next_run_at is not null;

-- How the object was read: when a crawler is to read otherwise, it reads again.
alter table stevedore.catalog_objects add column reading text not null default '';

-- Whether a crawl is under way, whatever the row says: its process holds a lock while it lives.
create function stevedore.is_crawling(crawler text) returns boolean language sql stable as $$
    select exists (
        select
        from pg_locks l, hashtextextended('stevedore.crawler.' || crawler, 0) as lock (key)
        where
            l.locktype = 'advisory' and l.objsubid = 1 and l.granted
            and l.database = (select oid from pg_database where datname = current_database())
            and l.classid::bigint = (lock.key >> 32) & 4294967295
            and l.objid::bigint = lock.key & 4294967295
    )
$$;
