-- Who is told that a job has ended. The message is written with the job's end, in its transaction, and sent later.

-- Where the end of the job is told. Child jobs have none: their parent tells.
alter table stevedore.jobs add column webhook text;

create table stevedore.webhooks (
    webhook_id uuid not null default gen_random_uuid(),
    job_id uuid not null,
    url text not null,
    -- The state in which the job ended.
    state text not null,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    -- None if it was delivered, or if there is no further attempt.
    next_attempt_at timestamptz default clock_timestamp(),
    delivered_at timestamptz,
    -- What the last attempt was answered, or why it was not.
    status integer,
    error text,
    constraint webhooks_pkey primary key (webhook_id),
    constraint webhooks_job_fkey foreign key (job_id) references stevedore.jobs on delete cascade
);

create index webhooks_due on stevedore.webhooks (next_attempt_at) where next_attempt_at is not null;
create index webhooks_of_job on stevedore.webhooks (job_id, created_at);

create function stevedore.add_webhook() returns trigger language plpgsql as $$
begin
    insert into stevedore.webhooks (job_id, url, state) values (new.job_id, new.webhook, new.state);
    perform pg_notify('stevedore_webhooks', '');
    return null;
end
$$;

create trigger jobs_webhook after update of state on stevedore.jobs
for each row
when (
    new.webhook is not null and new.state in ('succeeded', 'failed', 'cancelled')
    and old.state is distinct from new.state
)
execute function stevedore.add_webhook();
