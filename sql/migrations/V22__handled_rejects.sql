-- What was done about rejects: each was loaded again, or ignored. Rejects themselves never change.

-- No row: the reject is open. The key is the claim: so a reject is handled once.
create table stevedore.handled_rejects (
    load_id bigint not null,
    record_no bigint not null,
    state text not null,
    handled_by text not null,
    handled_at timestamptz not null default clock_timestamp(),
    note text,
    -- The load that loaded it again.
    replay_load_id bigint,
    -- The text that was loaded in place of its own.
    edited_text text,
    constraint handled_rejects_pkey primary key (load_id, record_no),
    constraint handled_rejects_load_fkey foreign key (load_id) references stevedore.loads,
    constraint handled_rejects_state_known check (state in ('replayed', 'ignored')),
    constraint handled_rejects_replay_known check ((state = 'replayed') = (replay_load_id is not null)),
    constraint handled_rejects_edited check (edited_text is null or state = 'replayed')
);

create trigger handled_rejects_stay before update on stevedore.handled_rejects
for each row execute function stevedore.forbid_update();

-- How many rejects of a load were handled, so that nobody counts them for each page of a list.
create table stevedore.reject_counts (
    load_id bigint not null,
    replayed bigint not null,
    ignored bigint not null,
    constraint reject_counts_pkey primary key (load_id)
);

-- Once for a statement. All take the rows of loads in one order, so that no two wait for each other.
create function stevedore.count_handled_rejects() returns trigger language plpgsql as $$
begin
    insert into stevedore.reject_counts as c (load_id, replayed, ignored)
    select
        load_id,
        (case tg_op when 'DELETE' then -1 else 1 end) * count(*) filter (where state = 'replayed'),
        (case tg_op when 'DELETE' then -1 else 1 end) * count(*) filter (where state = 'ignored')
    from changed
    group by load_id
    order by load_id
    on conflict (load_id) do update
    set replayed = c.replayed + excluded.replayed, ignored = c.ignored + excluded.ignored;
    return null;
end
$$;

create trigger handled_rejects_counted after insert on stevedore.handled_rejects
referencing new table as changed
for each statement execute function stevedore.count_handled_rejects();

create trigger handled_rejects_uncounted after delete on stevedore.handled_rejects
referencing old table as changed
for each statement execute function stevedore.count_handled_rejects();

-- The load whose rejects a replay has loaded again. It is of the same object and version.
alter table stevedore.loads
    add column replay_of bigint,
    add constraint loads_replay_is_reload check (replay_of is null or reload);

-- A job over rejects has no bucket, and each reject the mode of its load.
alter table stevedore.jobs
    -- What is to be done about which rejects.
    add column rejects jsonb,
    alter column bucket drop not null,
    drop constraint jobs_one_target,
    add constraint jobs_one_target check (num_nonnulls(key, prefix, glob, keys, rejects) = 1),
    add constraint jobs_bucket_known check ((bucket is null) = (rejects is not null)),
    drop constraint jobs_mode_chosen,
    add constraint jobs_mode_chosen check (feed is null or mode is not null or rejects is not null);
