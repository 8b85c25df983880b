-- What an operator looks at first, as one row. Counts end at a limit, so that the page takes no longer with a long
-- history.
select
    (
        select json_build_object('jobs', count(*), 'oldest', min(created_at))
        from (
            select created_at from stevedore.jobs where state = 'queued' and not children_created order by job_id limit 2000
        ) q
    ) as queued,
    (
        select coalesce(json_agg(r), '[]')
        from (
            select job_id from stevedore.jobs where state = 'running' order by job_id limit 10
        ) r
    ) as running,
    (
        select json_build_object(
            'alive', count(*) filter (where last_heartbeat_at >= now() - interval '8 seconds'),
            'silent', count(*) filter (where last_heartbeat_at < now() - interval '8 seconds')
        )
        from stevedore_queue._private_workers
    ) as workers,
    (
        select coalesce(json_agg(f), '[]')
        from (
            select coalesce(error_code, 'unknown') as code, count(*) as jobs, max(finished_at) as last
            from (
                select error_code, finished_at
                from stevedore.jobs
                where
                    state = 'failed' and job_id >= stevedore.first_job_id(now() - interval '1 day')
                    and key is not null
                order by job_id desc
                limit 2000
            ) l
            group by 1
            order by 2 desc
            limit 10
        ) f
    ) as failed,
    (
        select json_agg(h order by h.hour)
        from (
            select
                hour,
                (
                    select count(*)
                    from (
                        select from stevedore.jobs
                        where
                            state = 'succeeded' and job_id >= stevedore.first_job_id(hour)
                            and job_id < stevedore.first_job_id(hour + interval '1 hour')
                        limit 500
                    ) s
                ) as succeeded,
                (
                    select count(*)
                    from (
                        select from stevedore.jobs
                        where
                            state = 'failed' and job_id >= stevedore.first_job_id(hour)
                            and job_id < stevedore.first_job_id(hour + interval '1 hour')
                        limit 500
                    ) s
                ) as failed
            from generate_series(
                date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()), interval '1 hour'
            ) as hour
        ) h
    ) as hours
