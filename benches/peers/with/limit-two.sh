# about: limit: the same over two connections
# shellcheck shell=bash
copy() { psql -qX -v ON_ERROR_STOP=1 "$DATABASE_URL" "$@"; }
copy -c "\\copy user_status_log from '$READY/user_status_log' (format binary)" &
copy -c "\\copy user_status from '$READY/user_status' (format binary)" \
    -c "\\copy user_status_error_rec from '$READY/user_status_error_rec' (format binary)"
wait $!
