-- Rejected records of the load $1, the object $2, the reason $3, the rule $8, with the number $9, where these are given,
-- after the place ($4, $5): $6 at most. Not those of loads that are not complete, whose numbers are not final. `rejects`
-- selects from the rejects tables, and `state` is the condition for the state $7.
select *
from ({rejects}) as rejects
where
    load_id is not null
    and load_id not in (select load_id from stevedore.loads where state = 'loading')
    and ($1::bigint is null or load_id = $1)
    and ($2::text is null or object = $2)
    and ($3::text is null or reason = $3)
    and ($4::bigint is null or load_id < $4 or load_id = $4 and record_no > $5::bigint)
    and {state}
    and ($8::text is null or reason = 'rule' and position(': ' || $8 || ': expected ' in ': ' || detail) > 0)
    and ($9::bigint is null or record_no = $9)
order by load_id desc, record_no
limit $6::bigint
