-- Numbers the rejected records of a load in parts: which part a record is of tells where it begins.
-- The table's name is put in.
update {rejects}
set record_no = record_no + ($3::bigint[])[width_bucket(byte_offset, $2::bigint[])]
where load_id = $1::bigint and byte_offset >= ($2::bigint[])[2]
