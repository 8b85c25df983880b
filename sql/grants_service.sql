-- What a role needs of our schemas to serve and to work on jobs, besides the rights of grants.sql.
-- `stevedore migrate --grant-serve ROLE` grants both, and what the role needs on the tables of the feeds.
--
-- Jobs: the role asks for them, notes how they go, retries them with another feed or mode, and removes those that ended
-- long ago. It cannot change which objects one is about, whether they are only checked, who asked and when. Only the
-- text of the feed can be another one.
-- Events of jobs: a trigger writes them with the role's rights, so it can add some. It cannot change or
-- remove one.
-- Versions of the catalog: it can add some, and renew the statistics of one. It cannot remove one but with
-- its table.
-- Crawlers, watches, tables of the catalog, entries of the queue and answers to repeated requests: it can change and
-- remove them, since that is what the service does.

begin;
-- Nothing of policies that are not there yet.
set local client_min_messages = warning;

-- All of them, from when this file was run before.
revoke update on stevedore.jobs, stevedore.catalog_versions from :"role";
grant select, insert, delete on stevedore.jobs to :"role";
grant update (
    feed, feed_hash, mode, reload, version, bytes, state, attempts, earlier_attempts, crashed_attempts, claimed_jobs, claim_id, worker, cancel_requested, children_created, bytes_read,
    records, loaded, rejected, load_id, summary, error, first_error, started_at, finished_at,
    next_attempt_at
) on stevedore.jobs to :"role";
grant select, insert on stevedore.job_events to :"role";
grant select, insert, delete, update (changed, next_before, finished_at) on stevedore.job_actions to :"role";
grant select, insert, update, delete on stevedore.idempotency_keys to :"role";
grant select, insert, update (attempts, next_attempt_at, delivered_at, status, error) on stevedore.webhooks to :"role";
grant select, insert, delete, update (attempts, next_attempt_at, status, error) on stevedore.lineage_events to :"role";
-- Rejects are replayed and ignored. What was done goes with rejects that are too old.
grant insert, delete on stevedore.handled_rejects to :"role";
grant insert, update on stevedore.reject_counts to :"role";
grant select, insert, update, delete on stevedore.crawler_runs, stevedore.removed_rejects to :"role";
grant select, insert, update, delete on stevedore.watches, stevedore.watch_objects, stevedore.watch_runs to :"role";
grant select, insert, update, delete on stevedore.crawlers, stevedore.catalog_objects to :"role";
grant select, insert, update, delete on stevedore.catalog_tables to :"role";
grant select, insert, update (columns) on stevedore.catalog_versions to :"role";

grant select on stevedore.console_secrets to :"role";

grant usage on schema stevedore_queue to :"role";
grant select on stevedore_queue.migrations to :"role";
grant select, insert, update, delete on stevedore_queue._private_jobs to :"role";
grant select, insert, update on stevedore_queue._private_job_queues to :"role";
grant select, insert on stevedore_queue._private_tasks, stevedore_queue._private_job_retirements to :"role";
grant select, insert, update, delete on stevedore_queue._private_workers to :"role";

-- The queue's tables show their rows to nobody but their owner, whatever was granted, until a policy
-- says otherwise. Who may read and write them is said above.
drop policy if exists granted on stevedore_queue._private_jobs;
drop policy if exists granted on stevedore_queue._private_job_queues;
drop policy if exists granted on stevedore_queue._private_tasks;
create policy granted on stevedore_queue._private_jobs using (true);
create policy granted on stevedore_queue._private_job_queues using (true);
create policy granted on stevedore_queue._private_tasks using (true);

commit;
