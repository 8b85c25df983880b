-- The catalog: what crawlers have found in buckets and in Postgres, as tables with versions.

create table stevedore.catalog_tables (
    table_id bigint generated always as identity,
    database text not null,
    name text not null,
    -- Where it was found: in objects or in Postgres.
    kind text not null,
    state text not null default 'active',
    version integer not null,
    location text not null,
    classification text not null,
    format text,
    compression text,
    objects bigint,
    records bigint,
    bytes bigint,
    -- Whether all of it was looked at.
    sampled boolean not null,
    crawler text not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    crawled_at timestamptz not null default clock_timestamp(),
    constraint catalog_tables_pkey primary key (table_id),
    constraint catalog_tables_name unique (database, name),
    constraint catalog_tables_kind_known check (kind in ('objects', 'postgres')),
    constraint catalog_tables_state_known check (state in ('active', 'deprecated'))
);

-- A version is never changed: what is new makes another one.
create table stevedore.catalog_versions (
    table_id bigint not null,
    version integer not null,
    columns jsonb not null,
    crawler text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint catalog_versions_pkey primary key (table_id, version),
    constraint catalog_versions_table_fkey foreign key (table_id)
    references stevedore.catalog_tables on delete cascade
);

-- What crawlers are to look at, and how their last run went.
create table stevedore.crawlers (
    name text not null,
    database text not null,
    kind text not null,
    target jsonb not null,
    schedule text,
    state text not null default 'ready',
    last_run jsonb,
    created_at timestamptz not null default clock_timestamp(),
    constraint crawlers_pkey primary key (name),
    constraint crawlers_kind_known check (kind in ('objects', 'postgres')),
    constraint crawlers_state_known check (state in ('ready', 'running'))
);

-- What was found in each object: only objects that are new or changed are read again, and what is
-- known of the others is merged without reading them. A crawl that is killed goes on from here.
create table stevedore.catalog_objects (
    crawler text not null,
    key text not null,
    version text not null,
    bytes bigint not null,
    format text,
    compression text,
    records bigint not null,
    malformed bigint not null,
    whole boolean not null,
    -- The names of the records' fields, by which objects are put under tables.
    names text[] not null,
    -- The shape of the records as JSON; jsonb does not hold U+0000.
    shape text,
    -- Why it is in no table, if it is in none.
    skipped text,
    -- The run that has seen it last.
    run uuid not null,
    crawled_at timestamptz not null default clock_timestamp(),
    constraint catalog_objects_pkey primary key (crawler, key),
    constraint catalog_objects_crawler_fkey foreign key (crawler)
    references stevedore.crawlers on delete cascade
);
