-- Takes all parts of a load that nobody is at, and tells whether these are all. A process that looks for a part
-- of the load waits until the transaction ends.
select
    count(*) = (select count(*) from stevedore.load_parts where load_id = $1::bigint)
    and (select state = 'loading' from stevedore.loads where load_id = $1::bigint)
from (select part from stevedore.load_parts where load_id = $1::bigint for update skip locked) as free
