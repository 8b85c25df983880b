# about: limit: the same over two connections, half of each table on each
# shellcheck shell=bash
copy() { # HALF
    psql -qX -v ON_ERROR_STOP=1 "$DATABASE_URL" <<SQL
begin;
\copy user_status from '$READY/user_status.$1' (format binary)
\copy user_status_log from '$READY/user_status_log.$1' (format binary)
\copy user_status_error_rec from '$READY/user_status_error_rec.$1' (format binary)
commit;
SQL
}
copy 1 &
copy 2
wait $!
