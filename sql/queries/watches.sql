-- Watches, or one, each with its newest run.
select
    w.*, r.run_id, r.state, r.requested_by, r.queued_at, r.started_at, r.finished_at, r.seen, r.new_objects,
    r.submitted, r.held, r.error,
    (select count(*) from stevedore.jobs j where j.parent_id = r.run_id and j.state = 'failed') as failed
from stevedore.watches w
left join lateral (
    select * from stevedore.watch_runs r where r.watch = w.name order by r.run_id desc limit 1
) r on true
where $1::text is null or w.name = $1
order by w.name
