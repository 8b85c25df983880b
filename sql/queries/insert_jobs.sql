-- Requests for loads of one version each, through the feed that each is given; none where a job for the version is under way, or where
-- the job over many objects has brought one about before.
insert into stevedore.jobs (
    job_id, parent_id, feed, feed_hash, bucket, key, version, bytes, mode, dry_run, reload, requested_by,
    request_id, catalog, max_rejected, labels, traceparent
)
select
    o.job_id, $5, o.feed, o.feed_hash, $6, o.key, o.version, o.bytes, o.mode, $7, $8, $9, $10, $11::boolean,
    $12::text, $16::jsonb,
    (select p.traceparent from stevedore.jobs p where p.job_id = $5)
from
    unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $13::text[], $14::text[], $15::text[])
        as o (job_id, key, version, bytes, feed, feed_hash, mode)
where not exists (select from stevedore.jobs c where c.parent_id = $5 and c.key = o.key)
on conflict (feed, bucket, key, version, dry_run) where key is not null and state in ('queued', 'running')
do nothing
returning job_id
