-- Waits for whoever loads the same version of the same object, then gives the next load its number.
select
    pg_advisory_xact_lock(hashtextextended(concat_ws(e'\x1f', $1::text, $2::text, $3::text), 0)),
    nextval(pg_get_serial_sequence('stevedore.loads', 'load_id')) as load_id
