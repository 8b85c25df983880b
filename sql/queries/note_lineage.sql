-- What came of attempts to send events of lineage: those that were not delivered, with their statuses and errors, and
-- whether no further attempt is made.
update stevedore.lineage_events e
set
    status = n.status,
    error = n.error,
    next_attempt_at = case when not n.is_final then e.next_attempt_at end
from unnest($1::bigint[], $2::integer[], $3::text[], $4::boolean[]) n (event_id, status, error, is_final)
where e.event_id = n.event_id
