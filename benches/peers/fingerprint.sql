-- What the three tables hold, in whatever order the rows came: counts, and sums of their rows' hashes.
-- Every row has its ingested_at, whatever that is.
select 'user_status', count(ingested_at),
    sum(hashtextextended(row(userid, createdat, status, lastvisitedat, isblacklisted)::text, 0)) from user_status
union all
select 'user_status_log', count(ingested_at),
    sum(hashtextextended(row(userid, updatedon, status)::text, 0)) from user_status_log
union all
select 'user_status_error_rec', count(*), sum(hashtextextended(error_rec, 0)) from user_status_error_rec
order by 1;
