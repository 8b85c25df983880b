-- The tables as users of the old job have them, empty; what a peer left behind is gone.
set client_min_messages = warning;
drop table if exists user_status, user_status_log, user_status_error_rec, peer_records, _dlt_loads, _dlt_pipeline_state, _dlt_version;
create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int, isblacklisted boolean, ingested_at timestamp);
create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp);
create table user_status_error_rec (error_rec varchar);
