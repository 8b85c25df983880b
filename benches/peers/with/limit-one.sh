# about: limit: `\copy` of ready binary files
# shellcheck shell=bash
exec psql -qX -v ON_ERROR_STOP=1 "$DATABASE_URL" <<SQL
begin;
\copy user_status from '$READY/user_status' (format binary)
\copy user_status_log from '$READY/user_status_log' (format binary)
\copy user_status_error_rec from '$READY/user_status_error_rec' (format binary)
commit;
SQL
