-- The first part of a load that is neither committed nor at work: its lock, and with it the part, is its
-- taker's until the end of the transaction.
select part, start_byte, end_byte
from stevedore.load_parts
where load_id = $1::bigint and committed_at is null
order by part
limit 1
for update skip locked
