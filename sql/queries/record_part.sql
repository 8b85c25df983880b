-- What a part became, written with its rows.
update stevedore.load_parts
set
    text_start = $3, text_end = $4, records = $5, loaded = $6, rejected = $7, tables = $8,
    rejected_by_reason = $9, unknown_fields = $10, committed_at = clock_timestamp()
where load_id = $1 and part = $2
