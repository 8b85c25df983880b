-- A job that found its version loaded already is told apart from one that loaded it, without reading the summaries
-- of a million jobs.
alter table stevedore.jobs add column already_loaded boolean not null
    generated always as (coalesce(summary ->> 'state' = 'already_loaded', false)) stored;
