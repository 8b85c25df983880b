-- Webhooks whose time has come. The time of the next attempt is set before this one is made: so a process that dies
-- with them loses none.
with due as (
    select webhook_id
    from stevedore.webhooks
    where next_attempt_at <= clock_timestamp()
    order by next_attempt_at
    limit $2
    for update skip locked
)
update stevedore.webhooks w
set
    attempts = w.attempts + 1,
    next_attempt_at = clock_timestamp() + ($1::float8[])[w.attempts + 1] * interval '1 second'
from due
where w.webhook_id = due.webhook_id
returning w.webhook_id, w.job_id, w.url, w.state, w.created_at, w.attempts
