-- The jobs that were requested through a feed, after `from stevedore.jobs j`, newest first: none of their child jobs.
where
    j.feed = $1
    and j.parent_id is null
    and j.rejects is null
    and ($2::uuid is null or j.job_id < $2)
order by j.job_id desc
limit $3
