-- OpenLineage: the starts and ends of jobs, until they are sent. Only sessions that ask for it write them.

create table stevedore.lineage_events (
    event_id bigint not null generated always as identity,
    job_id uuid not null,
    -- The state that the job came to.
    state text not null,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    -- None if there is no further attempt. What was delivered is removed.
    next_attempt_at timestamptz default clock_timestamp(),
    -- What the last attempt was answered, or why it was not.
    status integer,
    error text,
    constraint lineage_events_pkey primary key (event_id),
    constraint lineage_events_job_fkey foreign key (job_id) references stevedore.jobs on delete cascade
);

create index lineage_events_due on stevedore.lineage_events (next_attempt_at, event_id) where next_attempt_at is not null;
create index lineage_events_of_job on stevedore.lineage_events (job_id);

create function stevedore.add_lineage_event() returns trigger language plpgsql as $$
begin
    insert into stevedore.lineage_events (job_id, state) values (new.job_id, new.state);
    return null;
end
$$;

-- Without a notification: whoever sends them looks for them, so they cost a load no more than a row.
create trigger jobs_lineage after update of state on stevedore.jobs
for each row
when (
    new.state in ('running', 'succeeded', 'failed', 'cancelled') and old.state is distinct from new.state
    and not new.dry_run and current_setting('stevedore.lineage', true) = 'on'
)
execute function stevedore.add_lineage_event();
