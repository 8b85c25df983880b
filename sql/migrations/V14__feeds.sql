-- Which text of a feed each load and each job is about: the file of a feed may be edited at any time.

create table stevedore.feeds (
    hash text not null,
    name text not null,
    text text not null,
    first_used_at timestamptz not null default clock_timestamp(),
    constraint feeds_pkey primary key (hash)
);

create trigger feeds_stay before update on stevedore.feeds
for each row execute function stevedore.forbid_update();

-- Without a foreign key: a load writes the text and its own row in one statement, and all loads of a feed would
-- lock the same row.
alter table stevedore.loads add column feed_hash text;

create index loads_of_feed on stevedore.loads (feed, load_id);

-- A job over many objects may leave the feed to their keys, and the mode to their feeds.
alter table stevedore.jobs
    add column feed_hash text,
    alter column feed drop not null,
    alter column mode drop not null,
    add constraint jobs_mode_chosen check (feed is null or mode is not null);

create index jobs_of_feed on stevedore.jobs (feed, job_id);
