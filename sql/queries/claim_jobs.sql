-- Begins attempts: at the job $1, or without one at the first that waits of the job over many objects $2, and at as
-- many others over small objects as may be loaded with it in one transaction: of the same job over many objects,
-- or of none, of the same feed and with the same options. None of which the worker lacks the feed, as it was when
-- the job was requested. A job that was alone when it killed its worker is alone again, and runs while no other such
-- job does. The queue forgets the entries of those others. $8 is the id of the claim.
--
-- Nothing waits until the disk has this: if the server crashes just then, the jobs wait again, and a load commits after it.
with first as (
    select
        job_id, parent_id, feed, feed_hash, mode, catalog, max_rejected, bytes, claimed_jobs,
        feed is not null and key is not null and not dry_run and not reload and not cancel_requested
        and not is_pinned and version is not null and bytes <= $5 and crashed_attempts = 0 as is_small
    from stevedore.jobs
    where
        job_id = coalesce(
            $1,
            (
                select job_id
                from stevedore.jobs
                where
                    coalesce(parent_id, '00000000-0000-0000-0000-000000000000'::uuid) = $2
                    and state = 'queued' and key is not null
                    and coalesce(next_attempt_at <= now(), true)
                    and (feed is null or $4::jsonb ->> feed = coalesce(feed_hash, $4::jsonb ->> feed))
                order by feed, job_id
                limit 1
                for update skip locked
            )
        )
        and state = 'queued' and not children_created
        and (
            crashed_attempts = 0
            or not exists (select from stevedore.jobs s where s.state = 'running' and s.crashed_attempts > 0)
        )
        and (
            key is null and rejects is null or feed is null
            or $4::jsonb ->> feed = coalesce(feed_hash, $4::jsonb ->> feed)
        )
    for update
),
-- Subqueries instead of a join: so the rows come in the order of the index, and no more are read than are claimed.
others as (
    select j.job_id, j.bytes
    from stevedore.jobs j
    where
        (select is_small from first)
        and coalesce(j.parent_id, '00000000-0000-0000-0000-000000000000'::uuid)
        = (select coalesce(parent_id, '00000000-0000-0000-0000-000000000000'::uuid) from first)
        and j.feed = (select feed from first) and j.state = 'queued' and j.key is not null
        and j.job_id <> (select job_id from first)
        and j.bytes <= $5 and j.version is not null
        and not j.is_pinned and not j.dry_run and not j.reload and not j.cancel_requested and j.crashed_attempts = 0
        and coalesce(j.next_attempt_at <= now(), true)
        and (j.feed_hash, j.mode, j.catalog, j.max_rejected, j.claimed_jobs) is not distinct from (
            (select feed_hash from first), (select mode from first), (select catalog from first),
            (select max_rejected from first), (select claimed_jobs from first)
        )
    order by j.job_id
    limit (select least($6::bigint, claimed_jobs) - 1 from first)
    for update of j skip locked
),
claimed as (
    select job_id from first
    union all
    select o.job_id
    from (select job_id, sum(bytes) over (order by job_id) as bytes from others) o
    cross join first f
    where f.bytes + o.bytes <= $7::bigint
),
started as (
    update stevedore.jobs j
    set
        state = 'running', attempts = attempts + 1, worker = $3, claim_id = $8, claimed_jobs = (select count(*) from claimed),
        started_at = coalesce(started_at, clock_timestamp()), next_attempt_at = null, error = null,
        bytes_read = 0, records = 0, loaded = 0, rejected = 0
    from claimed
    where j.job_id = claimed.job_id
    returning j.*
),
forgotten as (
    delete from stevedore_queue._private_jobs
    where
        locked_at is null
        and key = any(array(select job_id::text from started where (select count(*) from claimed) > 1))
)
select
    job_id, feed, feed_hash, bucket, key, prefix, glob, keys, rejects, is_pinned, labels, version, bytes, mode, dry_run, reload, catalog,
    max_rejected, attempts, earlier_attempts, crashed_attempts, cancel_requested, requested_by, request_id, traceparent,
    set_config('synchronous_commit', 'off', true) as synchronous_commit
from started
order by job_id
