-- Jobs over a list of keys, over exactly one version, with labels; and what is asked of all jobs that a filter matches.

alter table stevedore.jobs
    add column keys text[],
    -- Whether exactly `version` is loaded, and no newer one.
    add column is_pinned boolean not null default false,
    add column labels jsonb not null default '{}',
    add column error_code text generated always as (error ->> 'code') stored,
    drop constraint jobs_one_target,
    add constraint jobs_one_target check (num_nonnulls(key, prefix, glob, keys) = 1),
    add constraint jobs_pinned_version check (not is_pinned or version is not null);

-- One for each filter of the lists, in their order. A key alone is a filter too.
drop index stevedore.jobs_of_object;
create index jobs_of_key on stevedore.jobs (key, bucket, job_id) where key is not null;
create index jobs_of_bucket on stevedore.jobs (bucket, job_id);
create index jobs_of_parent on stevedore.jobs (parent_id, job_id) where parent_id is not null;
create index jobs_of_error on stevedore.jobs (error_code, job_id) where error_code is not null;
create index jobs_of_label on stevedore.jobs using gin (labels jsonb_path_ops) where labels <> '{}';
-- Counting jobs reads this index and no row.
create index jobs_counted on stevedore.jobs (state, feed, error_code) where key is not null;

-- The smallest id of a job that was accepted at a time: ids begin with the time in milliseconds (RFC 9562, version 7).
create function stevedore.first_job_id(at timestamptz) returns uuid language sql immutable as $$
    select
        (
            lpad(to_hex(least(greatest(extract(epoch from at) * 1000, 0), 281474976710655)::bigint), 12, '0')
            || repeat('0', 20)
        )::uuid
$$;

create table stevedore.job_actions (
    action_id uuid not null,
    action text not null,
    filter jsonb not null,
    changed bigint not null default 0,
    -- Jobs from here on are done.
    next_before uuid not null,
    requested_by text not null,
    request_id text not null,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint job_actions_pkey primary key (action_id),
    constraint job_actions_action_known check (action in ('cancel', 'retry'))
);
