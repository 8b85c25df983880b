-- Loads of one huge object in parts: their plan, and what of it is committed.

alter table stevedore.loads
    alter column finished_at drop not null,
    alter column seconds drop not null,
    drop constraint loads_state_known,
    drop constraint loads_every_record_accounted_for,
    drop constraint loads_every_row_accounted_for,
    add constraint loads_state_known check (state in ('loading', 'loaded', 'failed')),
    add constraint loads_end_known check (state = 'loading' or num_nulls(finished_at, seconds) = 0),
    add constraint loads_every_record_accounted_for check (
        state <> 'loaded' or records = loaded + rejected
    ),
    add constraint loads_every_row_accounted_for check (
        state <> 'loaded' or mode = 'append' or loaded = inserted + updated + superseded
    );

-- Whoever loads the version goes on with the load that is not complete.
create unique index loads_one_incomplete on stevedore.loads (feed, origin, version)
where state = 'loading';

create table stevedore.load_parts (
    load_id bigint not null,
    part integer not null,
    -- A part has the lines that begin within these bytes of the object,
    start_byte bigint not null,
    end_byte bigint not null,
    -- and this is where their text stands.
    text_start bigint,
    text_end bigint,
    records bigint,
    loaded bigint,
    rejected bigint,
    log_rows bigint,
    rejected_by_reason jsonb,
    unknown_fields jsonb,
    -- Written in one transaction with the rows of the part.
    committed_at timestamptz,
    constraint load_parts_pkey primary key (load_id, part),
    constraint load_parts_load_fkey foreign key (load_id) references stevedore.loads on delete cascade,
    constraint load_parts_every_record_accounted_for check (
        committed_at is null
        or num_nulls(text_start, text_end, records, loaded, rejected, log_rows) = 0
        and records = loaded + rejected
    )
);

create index load_parts_missing on stevedore.load_parts (load_id, part)
where committed_at is null;

-- Loads and parts that are not complete are updated by the role that loads; nobody changes what is.
create function stevedore.keep() returns trigger language plpgsql as $$
begin
    raise exception 'what the ledger has of a load that has ended, or of a part, is not changed'
    using errcode = 'insufficient_privilege';
end
$$;

create trigger loads_stay before update on stevedore.loads
for each row when (old.state <> 'loading') execute function stevedore.keep();

create trigger load_parts_stay before update on stevedore.load_parts
for each row when (old.committed_at is not null) execute function stevedore.keep();
