-- The table of benches/events.toml as a view over the file, whose texts become the types of its columns.
set variable ingested_at = (now() at time zone 'utc')::timestamp;
create temp view events as
select *, getvariable('ingested_at'), 1::bigint from read_json(getvariable('file'), format = 'newline_delimited', columns = {
    event_id: 'uuid', "at": 'timestamptz', name: 'varchar', session: 'varchar',
    text_00: 'varchar', text_01: 'varchar', text_02: 'varchar', text_03: 'varchar', text_04: 'varchar',
    text_05: 'varchar', text_06: 'varchar', text_07: 'varchar', text_08: 'varchar', text_09: 'varchar',
    text_10: 'varchar', text_11: 'varchar', text_12: 'varchar', text_13: 'varchar', text_14: 'varchar',
    text_15: 'varchar', text_16: 'varchar', text_17: 'varchar', text_18: 'varchar', text_19: 'varchar',
    text_20: 'varchar', text_21: 'varchar', text_22: 'varchar', text_23: 'varchar', count_00: 'bigint',
    count_01: 'bigint', count_02: 'bigint', count_03: 'bigint', count_04: 'bigint', count_05: 'bigint',
    count_06: 'bigint', count_07: 'bigint', count_08: 'bigint', count_09: 'bigint', count_10: 'bigint',
    count_11: 'bigint', count_12: 'bigint', count_13: 'bigint', count_14: 'bigint', count_15: 'bigint',
    ratio_00: 'double', ratio_01: 'double', ratio_02: 'double', ratio_03: 'double', ratio_04: 'double',
    ratio_05: 'double', ratio_06: 'double', ratio_07: 'double', is_00: 'boolean', is_01: 'boolean',
    is_02: 'boolean', is_03: 'boolean', is_04: 'boolean', is_05: 'boolean', is_06: 'boolean',
    is_07: 'boolean'})
where event_id is not null and "at" is not null and name <> '';
