-- Events of lineage whose time has come, in their order: none of a job while an earlier one of the same job waits or is
-- under way. The time of the next attempt is set before this one is made: so a process that dies with them loses none.
with due as (
    select l.event_id
    from stevedore.lineage_events l
    where
        l.next_attempt_at <= clock_timestamp()
        and not exists (
            select
            from stevedore.lineage_events e
            where e.job_id = l.job_id and e.event_id < l.event_id and e.next_attempt_at > clock_timestamp()
        )
    order by l.next_attempt_at, l.event_id
    limit $2
    for update skip locked
),
claimed as (
    update stevedore.lineage_events e
    set
        attempts = e.attempts + 1,
        next_attempt_at = clock_timestamp() + ($1::float8[])[e.attempts + 1] * interval '1 second'
    from due
    where e.event_id = due.event_id
    returning e.event_id, e.job_id, e.state, e.created_at
)
select c.event_id, c.job_id, c.state, c.created_at, p.feed as parent_feed
from claimed c
left join stevedore.jobs j on j.job_id = c.job_id
left join stevedore.jobs p on p.job_id = j.parent_id
order by c.event_id
