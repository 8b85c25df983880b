#!/usr/bin/env bash
# How fast jobs are, beside the command line: OBJECTS small objects of ten records each, merged into fresh tables.
#
#   cargo build --release --all-targets
#   DATABASE_URL=postgresql:///scratch benches/jobs.sh [objects] [rounds]
#
# In turn, in one run: `stevedore load` of the folder; one job with a prefix; jobs that wait already when a worker
# starts; a burst of triggers from 20 clients, loaded while they are accepted; and the same burst accepted with no
# worker. Then what an attempt costs the database. It drops the tables `user_status*` and the schemas of Stevedore.
set -euo pipefail
cd "$(dirname "$0")/.."
objects=${1:-10000} rounds=${2:-3}
. benches/scratch.sh
mkdir "$work/b"
"${GENERATE:-target/release/examples/generate}" --records $((objects * 10)) |
    split --lines 10 --suffix-length 6 --numeric-suffixes --additional-suffix .ndjson - "$work/b/object-"
clean() {
    sql -c "set client_min_messages = warning; drop schema if exists stevedore, stevedore_queue cascade;
        drop table if exists user_status, user_status_log, user_status_error_rec" -c checkpoint
}
serve() { # ARGUMENTS...
    : >"$work/log"
    "$stevedore" serve --listen 127.0.0.1:0 --bucket "b=$work/b" --insecure --rate-limit 1000000 "$@" --database-url "$url" \
        >>"$work/log" 2>&1 &
    server=$!
    until address=$(grep -o 'serving http://[^,]*' "$work/log"); do
        kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
        sleep 0.05
    done
    address=${address#serving }
}
stop() { kill "$server"; wait "$server" || true; }
now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", to - from }'; }
drained() { # one session that looks: a process for each look would take time from what is measured
    sql -c "do \$\$ begin
        while exists (select from stevedore.jobs where state = 'queued') or exists (select from stevedore.jobs where state = 'running')
        loop perform pg_sleep(0.02); end loop; end \$\$"
}
loaded() {
    local is
    is=$(sql -c "select count(*) from stevedore.loads where state = 'loaded'")
    [ "$is" = "$objects" ] || { echo "loaded $is objects of $objects" >&2; exit 1; }
}
burst() { # each client keeps one connection
    python3 - "$address" "$objects" <<'PYTHON'
import http.client, sys, threading, time
address, objects = sys.argv[1].removeprefix("http://"), int(sys.argv[2])
took, lock = [], threading.Lock()
def client(first):
    connection, mine = http.client.HTTPConnection(address), []
    for at in range(first, objects, 20):
        began = time.monotonic()
        connection.request("POST", f"/trigger?bucket=b&key=object-{at:06}.ndjson")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        mine.append(time.monotonic() - began)
    with lock:
        took.extend(mine)
clients = [threading.Thread(target=client, args=(at,)) for at in range(20)]
[client.start() for client in clients]
[client.join() for client in clients]
took.sort()
print(f"p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {took[len(took) * 99 // 100] * 1000:.1f} ms")
PYTHON
}
for round in $(seq "$rounds"); do
    clean
    from=$(now)
    "$stevedore" load "$work/b" --mode merge --json --database-url "$url" >/dev/null 2>&1
    echo "round $round: load $(since "$from") s"
    loaded

    clean
    serve
    from=$(now)
    curl --fail --silent --show-error "$address/v1/jobs" --json '{"bucket": "b", "prefix": "object-", "mode": "merge"}' >/dev/null
    drained
    echo "round $round: a job with a prefix $(since "$from") s"
    loaded
    stop

    clean
    serve --no-worker
    from=$(now)
    echo "round $round: a burst, accepted with no worker: $(burst), $(since "$from") s"
    stop
    wal=$(sql -c "select pg_current_wal_lsn()")
    serve
    from=$(now)
    drained
    echo "round $round: jobs that wait, drained $(since "$from") s"
    loaded
    sql -c "select 'WAL bytes a job: ' || (pg_current_wal_lsn() - '$wal') / $objects"
    stop

    clean
    serve
    from=$(now)
    latencies=$(burst)
    drained
    echo "round $round: a burst, accepted and loaded: $latencies, $(since "$from") s"
    loaded
    stop
done
