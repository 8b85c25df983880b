-- Small objects of many jobs are loaded together: workers claim jobs in sets, and triggers do their work once for
-- a statement.

-- While it runs: how many jobs its worker has claimed together. While it waits: as many at most the next time, or
-- null for as many as fit. When a worker dies, fewer are claimed together, until the job that kills it is alone.
alter table stevedore.jobs add column claimed_jobs integer;

-- Which jobs over one object wait, for the worker that takes the next set.
create index jobs_waiting on stevedore.jobs (
    coalesce(parent_id, '00000000-0000-0000-0000-000000000000'::uuid), feed, job_id
) where state = 'queued' and key is not null;

-- A job that was alone when it killed its worker runs while no other such job does, so that none of them is taken
-- for another one.
create unique index jobs_one_suspect on stevedore.jobs ((true)) where state = 'running' and crashed_attempts > 0;

-- Jobs by their state, newest first. It also finds those that wait or run.
create index jobs_of_state on stevedore.jobs (state, job_id);
drop index stevedore.jobs_live;

drop trigger jobs_noted on stevedore.jobs;
drop function stevedore.note_job();

-- Tells who listens that jobs have changed: some hundred ids in one notification.
create function stevedore.tell_jobs(ids uuid[]) returns void language sql as $$
    select pg_notify('stevedore_jobs', string_agg(t.id::text, ','))
    from (select id, (row_number() over () - 1) / 200 as piece from unnest(ids) as id where id is not null) t
    group by t.piece
$$;

-- Nobody can wait for a job before it is there, only for the one that it belongs to.
create function stevedore.note_new_jobs() returns trigger language plpgsql as $$
begin
    insert into stevedore.job_events (job_id, state, attempt, worker, error)
    select job_id, state, attempts, worker, error from changed;
    perform stevedore.tell_jobs(array(select distinct parent_id from changed));
    return null;
end
$$;

create function stevedore.note_changed_jobs() returns trigger language plpgsql as $$
begin
    insert into stevedore.job_events (job_id, state, attempt, worker, error)
    select n.job_id, n.state, n.attempts, n.worker, n.error
    from changed n
    join before b using (job_id)
    where (n.state, n.attempts) is distinct from (b.state, b.attempts);
    perform stevedore.tell_jobs(array(select job_id from changed union select parent_id from changed));
    return null;
end
$$;

create trigger jobs_created after insert on stevedore.jobs
referencing new table as changed
for each statement execute function stevedore.note_new_jobs();

-- Before `jobs_finish_parents`, in the order of their names.
create trigger jobs_changed after update on stevedore.jobs
referencing old table as before new table as changed
for each statement execute function stevedore.note_changed_jobs();
