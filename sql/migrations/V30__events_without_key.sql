-- Only triggers of `jobs` write events, in the statement that writes the job. A foreign key looked the job up again for each
-- event, and locked it: a fifth of what jobs cost the database beside their loads. Instead, a trigger removes the events of
-- jobs that are removed.

alter table stevedore.job_events drop constraint job_events_job_fkey;

-- With the owner's rights, as a foreign key that cascades: nobody else may remove events.
create function stevedore.remove_events() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from stevedore.job_events e using removed r where e.job_id = r.job_id;
    return null;
end
$$;

create trigger jobs_removed after delete on stevedore.jobs
referencing old table as removed
for each statement execute function stevedore.remove_events();
