-- The three tables as views over one table of records, which is read once from the variable `file`.
create temp table records as
select *, coalesce(userId is not null and createdAt is not null and lastVisitedAt is not null
        and status <> '' and statusLogs is not null and isBlacklisted is not null, false) as valid
from read_json(getvariable('file'), format = 'newline_delimited', columns = {
    userId: 'varchar', createdAt: 'varchar', lastVisitedAt: 'integer', status: 'varchar',
    statusLogs: 'struct(updatedOn varchar, status varchar)[]', isBlacklisted: 'boolean'});
set variable ingested_at = (now() at time zone 'utc')::timestamp;
create temp view status as
select userId, createdAt, status, lastVisitedAt, isBlacklisted, getvariable('ingested_at') from records where valid;
create temp view status_log as
select userId, entry.updatedOn, entry.status, getvariable('ingested_at')
from (select userId, unnest(statusLogs) as entry from records where valid);
create temp view error_rec as
select concat('userid:', coalesce(userId, 'null'), ',createdAt:', coalesce(createdAt, 'null'),
    ',lastVisitedAt:', coalesce(lastVisitedAt::varchar, 'null'), ',status:', coalesce(status, 'null'), ',statusLogs:',
    coalesce('[' || array_to_string(list_transform(statusLogs, lambda entry: case when entry is null then 'null'
        else '{' || coalesce(entry.updatedOn, 'null') || ', ' || coalesce(entry.status, 'null') || '}' end), ', ') || ']', 'null'),
    ',isBlacklisted:', coalesce(isBlacklisted::varchar, 'null'))
from records where not valid;
