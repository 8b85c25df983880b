-- What a role needs of the schema stevedore to load. `stevedore migrate --grant-load ROLE` grants this, and
-- what the role needs on the tables of the feeds. The role cannot change or remove what the ledger holds of a
-- load that has ended. So `stevedore loads discard` is run as the owner of the tables.

grant usage on schema stevedore to :"role";
grant select on stevedore.migrations to :"role";
grant select, insert on stevedore.load_tables, stevedore.feeds to :"role";
grant select, insert, update on stevedore.loads, stevedore.load_parts to :"role";
-- What was done about rejects, for those who list loads.
grant select on stevedore.handled_rejects, stevedore.reject_counts, stevedore.removed_rejects to :"role";
-- Triggers of loads add up in it, with the rights of the role.
grant select, insert, update on stevedore.open_rejects to :"role";
grant usage on sequence stevedore.loads_load_id_seq to :"role";
-- So that loads are held against the catalog, where it knows the bucket.
grant select on stevedore.crawlers, stevedore.catalog_objects to :"role";
grant select on stevedore.catalog_tables, stevedore.catalog_versions to :"role";
grant temporary on database :"DBNAME" to :"role";
