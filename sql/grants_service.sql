-- What a role needs to serve and to work on jobs, besides the rights of grants.sql, once
-- `stevedore migrate` was run as the owner of the tables:
--   psql -v role=etl -f sql/grants.sql -f sql/grants_service.sql "$DATABASE_URL"
-- It can neither remove a job nor change what happened to one.

begin;
-- Nothing of policies that are not there yet.
set local client_min_messages = warning;

grant select, insert, update on stevedore.jobs to :"role";
grant select, insert on stevedore.job_events to :"role";
grant select, insert, update, delete on stevedore.idempotency_keys to :"role";
grant select, insert, update, delete on stevedore.crawlers, stevedore.catalog_objects to :"role";
grant select, insert, update, delete on stevedore.catalog_tables to :"role";
grant select, insert, update on stevedore.catalog_versions to :"role";
grant select on user_status_error_rec to :"role";

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
