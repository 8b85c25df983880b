-- A failed load's error as a word that stays the same, for programs and for the API; and the job that
-- asked for a load, so that one that loads again on purpose does so once.

alter table stevedore.loads
    add column error_code text,
    add column job_id uuid;
create index loads_of_object on stevedore.loads (bucket, key, load_id);
