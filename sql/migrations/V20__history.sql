-- A history that is kept as long as it is asked for: runs of crawlers, and what was removed of rejects.

-- How many rejects of a load were removed since they were too old: so `verify` does not miss them.
create table stevedore.removed_rejects (
    load_id bigint not null,
    rows bigint not null,
    constraint removed_rejects_pkey primary key (load_id)
);

alter table stevedore.crawlers add column cancel_requested boolean not null default false;

create table stevedore.crawler_runs (
    run_id uuid not null,
    crawler text not null,
    state text not null,
    requested_by text,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    report jsonb,
    constraint crawler_runs_pkey primary key (run_id),
    constraint crawler_runs_crawler_fkey foreign key (crawler) references stevedore.crawlers on delete cascade
);

create index crawler_runs_of_crawler on stevedore.crawler_runs (crawler, run_id);

-- Whoever writes: what a crawler does is kept as a run of it.
create function stevedore.note_crawler_run() returns trigger language plpgsql as $$
begin
    insert into stevedore.crawler_runs (run_id, crawler, state, requested_by, queued_at, started_at, finished_at, report)
    values (
        new.run_id, new.name, case when new.state = 'ready' then 'ended' else new.state end, new.requested_by,
        new.queued_at, new.started_at, new.finished_at, case when new.state = 'ready' then new.last_run end
    )
    on conflict (run_id) do update
    set
        state = excluded.state, requested_by = excluded.requested_by, queued_at = excluded.queued_at,
        started_at = excluded.started_at, finished_at = excluded.finished_at, report = excluded.report;
    return null;
end
$$;

create trigger crawlers_run_noted after update of state on stevedore.crawlers
for each row when (new.run_id is not null) execute function stevedore.note_crawler_run();

-- The last run of each crawler until now.
insert into stevedore.crawler_runs (run_id, crawler, state, requested_by, queued_at, started_at, finished_at, report)
select
    run_id, name, case when state = 'ready' then 'ended' else state end, requested_by, queued_at, started_at,
    finished_at, case when state = 'ready' then last_run end
from stevedore.crawlers
where run_id is not null;
