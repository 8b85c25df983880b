-- Watches: what arrives under a prefix is loaded, found by listings and by notices.

create table stevedore.watches (
    name text not null,
    bucket text not null,
    -- Which keys: those below a prefix that look like JSON, or those that match a pattern.
    prefix text,
    glob text,
    feed text,
    mode text,
    labels jsonb not null default '{}',
    -- When it lists: by five fields of cron, or so many seconds after it listed last.
    schedule text,
    every_secs integer,
    settle_secs integer not null default 0,
    min_interval_secs integer not null default 0,
    backfill boolean not null default true,
    -- The URL of a queue of notices.
    queue text,
    -- Of the token that notices come with.
    token_sha256 bytea,
    -- Who defined it: the settings of a process, or a request.
    defined_by text not null,
    is_paused boolean not null default false,
    -- Without backfill: what was there before this is not loaded. The first complete listing notes it.
    watched_from timestamptz not null default clock_timestamp(),
    is_listed boolean not null default false,
    next_run_at timestamptz,
    last_success_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    constraint watches_pkey primary key (name),
    constraint watches_one_target check (num_nonnulls(prefix, glob) = 1),
    constraint watches_one_timing check (num_nonnulls(schedule, every_secs) = 1),
    constraint watches_token_length check (octet_length(token_sha256) = 32),
    constraint watches_defined_by_known check (defined_by in ('settings', 'api'))
);

create index watches_due on stevedore.watches (next_run_at) where not is_paused;

-- What a watch knows of each key: the version that it saw last, whatever its name and date.
create table stevedore.watch_objects (
    watch text not null,
    key text not null,
    -- What tells the version from others, in a listing as in an answer about the object.
    fingerprint text not null,
    -- The job that loads it; none if it was there before the watch.
    job_id uuid,
    submitted_at timestamptz,
    -- When a listing had it last, to the day.
    listed_at timestamptz not null default clock_timestamp(),
    constraint watch_objects_pkey primary key (watch, key),
    constraint watch_objects_watch_fkey foreign key (watch) references stevedore.watches on delete cascade
);

create index watch_objects_listed on stevedore.watch_objects (watch, listed_at);

create table stevedore.watch_runs (
    -- Also the id of the job over what was new, if anything was.
    run_id uuid not null,
    watch text not null,
    state text not null default 'queued',
    requested_by text not null,
    queued_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    crashed_attempts integer not null default 0,
    seen bigint not null default 0,
    new_objects bigint not null default 0,
    submitted bigint not null default 0,
    held bigint not null default 0,
    error jsonb,
    constraint watch_runs_pkey primary key (run_id),
    constraint watch_runs_watch_fkey foreign key (watch) references stevedore.watches on delete cascade,
    constraint watch_runs_state_known check (state in ('queued', 'running', 'ended'))
);

-- A watch lists once at a time.
create unique index watch_runs_live on stevedore.watch_runs (watch) where state <> 'ended';
create index watch_runs_of_watch on stevedore.watch_runs (watch, run_id);

-- Tells workers that watches are to be looked at: one is due sooner, is new, or has another queue.
create function stevedore.tell_watches() returns trigger language plpgsql as $$
begin
    perform pg_notify('stevedore_watches', '');
    return null;
end
$$;

create trigger watches_told after insert or delete or update of next_run_at, is_paused, queue on stevedore.watches
for each row execute function stevedore.tell_watches();
