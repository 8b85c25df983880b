-- Jobs: requests for loads, which outlive whoever asked and whoever works on them, and their history.

create table stevedore.jobs (
    job_id uuid not null,
    -- The job over many objects that this one belongs to.
    parent_id uuid,
    feed text not null,
    bucket text not null,
    -- Which objects: one by its key, or those below a prefix or matching a glob.
    key text,
    prefix text,
    glob text,
    mode text not null,
    dry_run boolean not null,
    reload boolean not null,
    -- The object's version and size when it was last looked up.
    version text,
    bytes bigint,
    state text not null default 'queued',
    attempts integer not null default 0,
    -- Attempts before the job was last asked to run again.
    earlier_attempts integer not null default 0,
    -- Attempts whose worker died.
    deaths integer not null default 0,
    worker text,
    cancel_requested boolean not null default false,
    -- Of a job over many objects: whether all of them have jobs of their own.
    listed boolean not null default false,
    bytes_read bigint not null default 0,
    records bigint not null default 0,
    loaded bigint not null default 0,
    rejected bigint not null default 0,
    log_rows bigint not null default 0,
    load_id bigint,
    summary jsonb,
    error jsonb,
    first_error jsonb,
    requested_by text not null,
    -- What the logs call the request.
    request_id text not null,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    next_attempt_at timestamptz,
    constraint jobs_pkey primary key (job_id),
    constraint jobs_parent_fkey foreign key (parent_id) references stevedore.jobs on delete cascade,
    constraint jobs_state_known check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    constraint jobs_mode_known check (mode in ('append', 'merge')),
    constraint jobs_one_target check (num_nonnulls(key, prefix, glob) = 1)
);

-- One job an object version at a time.
create unique index jobs_one_a_version on stevedore.jobs (feed, bucket, key, version, dry_run)
where key is not null and state in ('queued', 'running');

create index jobs_live on stevedore.jobs (state) where state in ('queued', 'running');
create index jobs_live_children on stevedore.jobs (parent_id)
where parent_id is not null and state in ('queued', 'running');
create index jobs_children on stevedore.jobs (parent_id, key) where parent_id is not null;
create index jobs_of_object on stevedore.jobs (bucket, key, job_id);

create table stevedore.job_events (
    event_id bigint generated always as identity,
    job_id uuid not null,
    at timestamptz not null default clock_timestamp(),
    state text not null,
    attempt integer not null,
    worker text,
    error jsonb,
    constraint job_events_pkey primary key (event_id),
    constraint job_events_job_fkey foreign key (job_id) references stevedore.jobs on delete cascade
);

create index job_events_of_job on stevedore.job_events (job_id, event_id);

-- Whoever writes: each change of state is an event, and whoever listens is told.
create function stevedore.note_job() returns trigger language plpgsql as $$
begin
    perform pg_notify('stevedore_jobs', new.job_id::text);
    if tg_op = 'UPDATE' and (new.state, new.attempts) is not distinct from (old.state, old.attempts) then
        return null;
    end if;
    insert into stevedore.job_events (job_id, state, attempt, worker, error)
    values (new.job_id, new.state, new.attempts, new.worker, new.error);
    if new.parent_id is not null then
        perform pg_notify('stevedore_jobs', new.parent_id::text);
    end if;
    return null;
end
$$;

-- A job over many objects has ended when the last of its jobs has. The lock makes the last two see
-- each other.
create function stevedore.finish_parent(parent uuid) returns void language plpgsql as $$
begin
    perform from stevedore.jobs where job_id = parent for update;
    update stevedore.jobs p
    set
        state = case
            when exists (select from stevedore.jobs c where c.parent_id = parent and c.state = 'failed') then 'failed'
            when exists (select from stevedore.jobs c where c.parent_id = parent and c.state = 'cancelled') then 'cancelled'
            else 'succeeded'
        end,
        finished_at = clock_timestamp()
    where
        p.job_id = parent
        and p.state = 'running'
        and p.listed
        and not exists (
            select from stevedore.jobs c where c.parent_id = parent and c.state in ('queued', 'running')
        );
end
$$;

-- Once for a statement, however many jobs it ends.
create function stevedore.finish_parents() returns trigger language plpgsql as $$
begin
    perform stevedore.finish_parent(c.parent_id)
    from (
        select distinct parent_id
        from changed
        where parent_id is not null and state not in ('queued', 'running')
    ) c;
    return null;
end
$$;

create trigger jobs_noted after insert or update on stevedore.jobs
for each row execute function stevedore.note_job();

create trigger jobs_finish_parents after update on stevedore.jobs
referencing new table as changed
for each statement execute function stevedore.finish_parents();

-- The answers to requests with an Idempotency-Key, for a day.
create table stevedore.idempotency_keys (
    requester text not null,
    idempotency_key text not null,
    request text not null,
    answer jsonb,
    created_at timestamptz not null default clock_timestamp(),
    constraint idempotency_keys_pkey primary key (requester, idempotency_key)
);

create index idempotency_keys_age on stevedore.idempotency_keys (created_at);
