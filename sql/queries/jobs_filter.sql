-- Which jobs, after `jobs.sql`.
where
    ($1::text is null or j.state = $1)
    and ($2::text is null or j.bucket = $2)
    and ($3::text is null or j.key = $3)
    and ($4::uuid is null or j.parent_id = $4)
    and ($5::timestamptz is null or j.created_at >= $5)
    and ($6::timestamptz is null or j.created_at < $6)
    and ($7::uuid is null or j.job_id < $7)
    and ($9::text is null or j.feed = $9)
order by j.job_id desc
limit $8
