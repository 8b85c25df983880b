-- Which jobs, after `from stevedore.jobs j`. A server's clock may be an hour ahead of the database's or behind it.
where
    ($1::text is null or j.state = $1)
    and ($2::text is null or j.bucket = $2)
    and ($3::text is null or j.key = $3)
    and ($4::uuid is null or j.parent_id = $4)
    and (
        $5::timestamptz is null
        or j.created_at >= $5 and j.job_id >= stevedore.first_job_id($5 - interval '1 hour')
    )
    and (
        $6::timestamptz is null
        or j.created_at < $6 and j.job_id < stevedore.first_job_id($6 + interval '1 hour')
    )
    and ($7::text is null or j.feed = $7)
    and ($8::text is null or j.error_code = $8)
    and ($9::jsonb is null or j.labels @> $9 and j.labels <> '{}')
    and ($10::uuid is null or j.job_id < $10)
