-- Plain names: what is counted, what is done, what is forbidden.

alter table stevedore.jobs rename column deaths to crashed_attempts;
alter table stevedore.jobs rename column listed to children_created;
alter table stevedore.crawlers rename column deaths to crashed_attempts;
alter function stevedore.keep() rename to forbid_update;

create or replace function stevedore.finish_parent(parent uuid) returns void language plpgsql as $$
begin
    perform from stevedore.jobs where job_id = parent for update;
    update stevedore.jobs p
    set
        state = case
            when exists (select from stevedore.jobs c where c.parent_id = parent and c.state = 'failed') then 'failed'
            when exists (select from stevedore.jobs c where c.parent_id = parent and c.state = 'cancelled') then 'cancelled'
            else 'succeeded'
        end,
        finished_at = clock_timestamp()
    where
        p.job_id = parent
        and p.state = 'running'
        and p.children_created
        and not exists (
            select from stevedore.jobs c where c.parent_id = parent and c.state in ('queued', 'running')
        );
end
$$;
