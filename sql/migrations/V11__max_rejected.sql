-- How many records of an object may be rejected before its load fails, as a job asks for it: a count, or a share
-- with a percent sign. Null where the worker's own limit holds.

alter table stevedore.jobs add column max_rejected text;
