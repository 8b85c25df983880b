-- Makes the three tables from records that are in Postgres already: peer_records has them as jsonb in
-- the column that the variable :record says. One transaction, one instant.
insert into user_status
select r ->> 'userId', r ->> 'createdAt', r ->> 'status', (r ->> 'lastVisitedAt')::int, (r ->> 'isBlacklisted')::boolean, now() at time zone 'utc'
from (select :record as r from peer_records) as records
where r ->> 'userId' is not null and r ->> 'createdAt' is not null and r ->> 'lastVisitedAt' is not null
  and r ->> 'status' <> '' and r ->> 'isBlacklisted' is not null and jsonb_typeof(r -> 'statusLogs') = 'array';

insert into user_status_log
select r ->> 'userId', entry ->> 'updatedOn', entry ->> 'status', now() at time zone 'utc'
from (select :record as r from peer_records) as records, jsonb_array_elements(r -> 'statusLogs') as entry
where r ->> 'userId' is not null and r ->> 'createdAt' is not null and r ->> 'lastVisitedAt' is not null
  and r ->> 'status' <> '' and r ->> 'isBlacklisted' is not null and jsonb_typeof(r -> 'statusLogs') = 'array';

insert into user_status_error_rec
select concat('userid:', coalesce(r ->> 'userId', 'null'), ',createdAt:', coalesce(r ->> 'createdAt', 'null'),
    ',lastVisitedAt:', coalesce(r ->> 'lastVisitedAt', 'null'), ',status:', coalesce(r ->> 'status', 'null'),
    ',statusLogs:', case when jsonb_typeof(r -> 'statusLogs') = 'array' then (
        select concat('[', string_agg(case when jsonb_typeof(entry) = 'object'
            then concat('{', coalesce(entry ->> 'updatedOn', 'null'), ', ', coalesce(entry ->> 'status', 'null'), '}')
            else 'null' end, ', ' order by place), ']')
        from jsonb_array_elements(r -> 'statusLogs') with ordinality as entries (entry, place)
    ) else 'null' end, ',isBlacklisted:', coalesce(r ->> 'isBlacklisted', 'null'))
from (select :record as r from peer_records) as records
where (r ->> 'userId' is not null and r ->> 'createdAt' is not null and r ->> 'lastVisitedAt' is not null
  and r ->> 'status' <> '' and r ->> 'isBlacklisted' is not null and jsonb_typeof(r -> 'statusLogs') = 'array') is not true;
