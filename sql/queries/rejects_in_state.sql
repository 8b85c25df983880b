-- Rejected records in the state $7: load by load, only of loads that have such rejects. Otherwise a page of the last open
-- rejects would look at all the handled ones. `loads` selects these loads, and `page` the records of one of them.
select of_load.*
from (
    select load_id
    from ({loads}) as loads
    where ($1::bigint is null or load_id = $1) and ($4::bigint is null or load_id <= $4)
    order by load_id desc
) as in_state
cross join lateral ({page}) as of_load
order by in_state.load_id desc, of_load.record_no
limit $6::bigint
