-- Runs of a watch that are older than one, newest first.
select
    r.*,
    (select count(*) from stevedore.jobs j where j.parent_id = r.run_id and j.state = 'failed') as failed
from stevedore.watch_runs r
where r.watch = $1 and ($2::uuid is null or r.run_id < $2)
order by r.run_id desc
limit $3
