-- Notes objects that a watch $1 has found, and submits those that are new or overwritten: as jobs of the run $2, which
-- becomes a job over many objects, or without a run each by itself. One that changed a moment ago, or that was
-- submitted a moment ago, is held back: a listing that is made due finds it again.
with watch as (
    select
        *, settle_secs * interval '1 second' as settle, min_interval_secs * interval '1 second' as min_interval,
        labels || jsonb_build_object('watch', name) as all_labels
    from stevedore.watches
    where name = $1::text
),
page as (
    select distinct on (key) *
    from
        unnest(
            $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::text[], $8::uuid[], $9::text[], $10::text[],
            $11::text[]
        ) as o (key, fingerprint, modified, bytes, version, job_id, feed, feed_hash, mode)
    order by key
),
found as (
    select
        o.*,
        -- Without backfill, the first listing notes what was there before.
        w.backfill or w.is_listed or $2::uuid is null or o.modified >= date_trunc('second', w.watched_from) as is_wanted,
        -- A time in the future says nothing of when the object changed.
        greatest(
            case when o.modified < now() + w.settle then o.modified + w.settle end, k.submitted_at + w.min_interval
        ) as due_at
    from page o
    cross join watch w
    -- One key after the other, whatever the planner believes: never all that the watch knows.
    left join lateral (
        select fingerprint, submitted_at from stevedore.watch_objects where watch = $1 and key = o.key limit 1
    ) k on true
    where k.fingerprint is distinct from o.fingerprint
),
noted as (
    insert into stevedore.watch_objects as k (watch, key, fingerprint, job_id, submitted_at)
    select $1, key, fingerprint, case when is_wanted then job_id end, case when is_wanted then now() end
    from found
    where not is_wanted or coalesce(due_at <= now(), true)
    -- Two who note the same wait for each other in one order.
    order by key
    on conflict (watch, key) do update
    set
        fingerprint = excluded.fingerprint, job_id = excluded.job_id, submitted_at = excluded.submitted_at,
        listed_at = excluded.listed_at
    where k.fingerprint <> excluded.fingerprint
    returning key, job_id
),
parent as (
    insert into stevedore.jobs (
        job_id, feed, feed_hash, bucket, prefix, glob, mode, dry_run, reload, requested_by, request_id, labels, state,
        children_created, started_at
    )
    select
        $2, feed, $13, bucket, prefix, glob, $14, false, false, 'watch ' || name, $12, all_labels, 'running', true,
        clock_timestamp()
    from watch
    where $2 is not null and exists (select from noted where job_id is not null)
    -- The jobs of the objects before may have come to their end.
    on conflict (job_id) do update set state = 'running', finished_at = null
),
jobs as (
    insert into stevedore.jobs (
        job_id, parent_id, feed, feed_hash, bucket, key, version, bytes, mode, dry_run, reload, requested_by,
        request_id, labels
    )
    select
        o.job_id, $2, o.feed, o.feed_hash, w.bucket, o.key, o.version, o.bytes, o.mode, false, false,
        'watch ' || w.name, $12, w.all_labels
    from noted n
    join found o using (job_id)
    cross join watch w
    on conflict (feed, bucket, key, version, dry_run) where key is not null and state in ('queued', 'running')
    do nothing
    returning job_id
),
entries as (
    select (stevedore_queue.add_job('attempt', json_build_object('job_id', job_id), job_key := job_id::text)).id
    from jobs
    where $2 is null
    union all
    select
        (
            stevedore_queue.add_job(
                'children', json_build_object('parent_id', $2, 'number', n), job_key := $2::text || '/' || n
            )
        ).id
    from generate_series(0, least(7, (select count(*) from jobs) - 1)) n
    where $2 is not null
),
listed as (
    update stevedore.watch_objects k
    set listed_at = clock_timestamp()
    from page o
    where
        k.watch = $1 and k.key = o.key and k.fingerprint = o.fingerprint and k.listed_at < now() - interval '1 day'
        and $2 is not null
),
again as (
    update stevedore.watches w
    set next_run_at = h.due_at
    from (select min(due_at) as due_at from found where is_wanted and due_at > now()) h
    where w.name = $1 and not w.is_paused and h.due_at < coalesce(w.next_run_at, 'infinity')
),
counts as (
    select
        (select count(*) from page) as seen,
        (select count(*) from noted where job_id is not null) as new_objects,
        (select count(*) from jobs where (select count(*) from entries) >= 0) as submitted,
        (select count(*) from found where is_wanted and due_at > now()) as held
),
counted as (
    update stevedore.watch_runs r
    set
        seen = r.seen + c.seen, new_objects = r.new_objects + c.new_objects, submitted = r.submitted + c.submitted,
        held = r.held + c.held
    from counts c
    where r.run_id = $2 and r.state = 'running'
    returning r.run_id
)
select c.*, exists (select from counted) and exists (select from watch where not is_paused) as goes_on
from counts c
