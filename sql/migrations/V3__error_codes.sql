-- A failed load's error as a word that stays the same, for programs and for the API.

alter table stevedore.loads add column error_code text;
create index loads_of_object on stevedore.loads (bucket, key, load_id);
