-- How far an attempt is; says whether it is still the job's attempt and is to be cancelled.
update stevedore.jobs
set bytes_read = $3, records = $4, loaded = $5, rejected = $6
where job_id = $1 and attempts = $2 and state = 'running'
returning cancel_requested
