-- Notes how a run of a watch ended. After an error that can pass, and where the worker stopped, another one is due
-- soon.
with ended as (
    update stevedore.watch_runs
    set
        state = 'ended', started_at = coalesce(started_at, clock_timestamp()), finished_at = clock_timestamp(), error = $2
    where run_id = $1 and state <> 'ended'
    returning watch, error, started_at
)
update stevedore.watches w
set
    is_listed = w.is_listed or e.error is null and e.started_at >= w.watched_from,
    last_success_at = case when e.error is null then clock_timestamp() else w.last_success_at end,
    next_run_at = case
        when $3::double precision is null or w.is_paused then w.next_run_at
        else least(w.next_run_at, clock_timestamp() + $3 * interval '1 second')
    end
from ended e
where w.name = e.watch
