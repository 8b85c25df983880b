-- Whether jobs wait that belong to a job over many objects, and that only its own entries lead to.
select
from stevedore.jobs
where
    coalesce(parent_id, '00000000-0000-0000-0000-000000000000'::uuid) = $1
    and state = 'queued' and key is not null and coalesce(next_attempt_at <= now(), true)
limit 1
