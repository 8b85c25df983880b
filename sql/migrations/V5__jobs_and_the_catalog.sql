-- Whether a job's objects are held against the catalog before they are loaded.

alter table stevedore.jobs add column catalog boolean not null default true;

create index catalog_tables_of_crawler on stevedore.catalog_tables (crawler);
