-- What a role needs to load, once `stevedore migrate` was run as the owner of the tables:
--   psql -v role=etl -f sql/grants.sql "$DATABASE_URL"
-- It can neither change nor remove what the ledger, the log and the rejected records hold: but for the
-- numbers of rejected records, which a load in parts learns at its end.

grant usage on schema stevedore to :"role";
grant select on stevedore.migrations to :"role";
grant select, insert, update on stevedore.loads, stevedore.load_parts to :"role";
grant usage on sequence stevedore.loads_load_id_seq to :"role";
-- So that loads are held against the catalog, where it knows the bucket.
grant select on stevedore.crawlers, stevedore.catalog_objects to :"role";
grant select on stevedore.catalog_tables, stevedore.catalog_versions to :"role";
grant select, insert, update on user_status to :"role";
grant insert on user_status_log, user_status_error_rec to :"role";
grant select (load_id, byte_offset, record_no), update (record_no) on user_status_error_rec to :"role";
grant temporary on database :"DBNAME" to :"role";
