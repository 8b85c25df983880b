-- The numbers of the next loads.
select nextval(ids) as load_id
from
    pg_get_serial_sequence('stevedore.loads', 'load_id') as ids,
    generate_series(1, $1::bigint)
