-- The claim by which a worker has begun the attempt at a job. A worker that gets no answer to a claim asks with it for what
-- it has claimed.

alter table stevedore.jobs add column claim_id uuid;
