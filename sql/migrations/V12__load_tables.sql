-- What a load did to each table of its feed, whatever tables that has.

create table stevedore.load_tables (
    load_id bigint not null,
    -- The tables of a feed in their order: the root table is the first, the rejects table the last.
    position integer not null,
    "table" text not null,
    rows bigint not null,
    inserted bigint not null,
    updated bigint not null default 0,
    unchanged bigint not null default 0,
    superseded bigint not null default 0,
    deleted bigint not null default 0,
    constraint load_tables_pkey primary key (load_id, "table"),
    constraint load_tables_load_fkey foreign key (load_id) references stevedore.loads on delete cascade,
    constraint load_tables_every_row_accounted_for check (
        rows = inserted + updated + unchanged + superseded
    )
);

create trigger load_tables_stay before update on stevedore.load_tables
for each row execute function stevedore.keep();

-- There was one feed, with these three tables.
insert into stevedore.load_tables (load_id, position, "table", rows, inserted, updated, superseded)
select
    load_id, 1, feed, loaded, coalesce(inserted, loaded), coalesce(updated, 0), coalesce(superseded, 0)
from stevedore.loads
where state = 'loaded'
union all
select load_id, 2, feed || '_log', log_rows, log_rows, 0, 0
from stevedore.loads
where state = 'loaded'
union all
select load_id, 3, feed || '_error_rec', rejected, rejected, 0, 0
from stevedore.loads
where state = 'loaded';

alter table stevedore.load_parts
    -- As a list of what `load_tables` has of a table.
    add column tables jsonb,
    disable trigger load_parts_stay;

update stevedore.load_parts p
set tables = (
    select jsonb_agg(
        jsonb_build_object(
            'table', t.name, 'rows', t.rows, 'inserted', t.rows, 'updated', 0, 'unchanged', 0,
            'superseded', 0, 'deleted', 0
        )
        order by t.position
    )
    from (
        values (1, l.feed, p.loaded), (2, l.feed || '_log', p.log_rows),
        (3, l.feed || '_error_rec', p.rejected)
    ) as t (position, name, rows)
)
from stevedore.loads l
where l.load_id = p.load_id and p.committed_at is not null;

-- The constraints that name these columns go with them.
alter table stevedore.load_parts
    enable trigger load_parts_stay,
    drop column log_rows,
    drop constraint if exists load_parts_every_record_accounted_for,
    add constraint load_parts_every_record_accounted_for check (
        committed_at is null
        or num_nulls(text_start, text_end, records, loaded, rejected, tables) = 0
        and records = loaded + rejected
    );

alter table stevedore.loads
    drop column log_rows,
    drop column inserted,
    drop column updated,
    drop column superseded;

alter table stevedore.jobs drop column log_rows;
