-- Requests for loads of one version each; none where a job for the version is under way, or where
-- the job over many objects has brought one about before.
insert into stevedore.jobs (
    job_id, parent_id, feed, bucket, key, version, bytes, mode, dry_run, reload, requested_by,
    request_id, catalog, max_rejected
)
select o.job_id, $5, $6, $7, o.key, o.version, o.bytes, $8, $9, $10, $11, $12, $13::boolean, $14::text
from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) as o (job_id, key, version, bytes)
where not exists (select from stevedore.jobs c where c.parent_id = $5 and c.key = o.key)
on conflict (feed, bucket, key, version, dry_run) where key is not null and state in ('queued', 'running')
do nothing
returning job_id
