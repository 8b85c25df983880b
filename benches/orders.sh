#!/usr/bin/env bash
# How close a load of orders (three tables, lists within lists, seven types) comes to what Postgres itself can
# take: the same rows by `psql \copy` of ready binary files over one connection, and by `stevedore load`, in turn.
# Then a merge with `children = "replace"` of the same orders, of which a tenth changed, against the best SQL over
# staged binary files that we can write.
#
#   benches/orders.sh [RECORDS] [RUNS]      (default 200000 and 5)
#
# Needs DATABASE_URL (a database whose tables orders, order_items and item_discounts may be dropped) and the release
# build (or STEVEDORE and GENERATE). Prints medians of wall seconds and the ratios, pair by pair.
set -euo pipefail
cd "$(dirname "$0")/.."
records=${1:-200000} runs=${2:-5}
. benches/scratch.sh
feed=feeds/examples/orders.toml tables="orders order_items item_discounts"

"${GENERATE:-target/release/examples/generate}" --orders --records "$records" >"$work/orders.ndjson"
"${GENERATE:-target/release/examples/generate}" --orders --records "$records" --changed 10 >"$work/changed.ndjson"
drop() { sql -c "set client_min_messages = warning; drop table if exists orders, order_items, item_discounts, orders_rejects"; }
load() { "$stevedore" load "$work/$2.ndjson" --feed "$feed" --mode "$1" --reload --json --no-preflight --connections 1 --database-url "$url" >/dev/null; }
timed() { # NAME COMMAND...: appends the wall seconds to the file NAME
    local name=$1 begin end
    shift
    begin=$(date +%s.%N)
    "$@"
    end=$(date +%s.%N)
    echo "$begin $end" | awk '{ printf "%.4f\n", $2 - $1 }' >>"$work/$name"
}
counts() { for table in $tables; do sql -c "select count(*) from $table"; done | xargs; }
same() { [ "$(counts)" = "$expected" ] || { echo "rows differ: $(counts), expected $expected" >&2; exit 1; }; }
empty() { sql -c "truncate orders, order_items, item_discounts, orders_rejects" -c checkpoint; }

drop
load append orders
expected=$(counts)
echo "$records orders, $(stat -c %s "$work/orders.ndjson") bytes; rows: $expected"
for table in $tables; do sql -c "\\copy $table to '$work/$table' (format binary)"; done
{ echo 'begin;'; for table in $tables; do echo "\\copy $table from '$work/$table' (format binary)"; done; echo 'commit;'; } >"$work/copy.sql"
for _ in $(seq "$runs"); do
    empty; timed limit sql -f "$work/copy.sql"; same
    empty; timed append load append orders; same
done

# The rows of the changed orders, staged by both.
empty; load append changed
for table in $tables; do sql -c "\\copy $table to '$work/changed_$table' (format binary)"; done
cat >"$work/merge.sql" <<SQL
begin;
$(for table in $tables; do echo "create temp table s_$table (like $table);"; echo "\\copy s_$table from '$work/changed_$table' (format binary)"; done)
create temp table changed as select s.order_id from s_orders s left join orders t using (order_id)
  where t.order_id is null or t.content_hash <> s.content_hash and t.updated_at <= s.updated_at;
insert into orders as t select s.* from s_orders s join changed using (order_id)
  on conflict (order_id) do update set updated_at = excluded.updated_at, total = excluded.total, city = excluded.city,
    currency = excluded.currency, status = excluded.status, tags = excluded.tags, meta = excluded.meta,
    total_cents = excluded.total_cents, extra = excluded.extra, ingested_at = excluded.ingested_at,
    load_id = excluded.load_id, object = excluded.object, content_hash = excluded.content_hash
  where t.updated_at <= excluded.updated_at;
delete from order_items c using changed where c.order_id = changed.order_id;
delete from item_discounts c using changed where c.order_id = changed.order_id;
insert into order_items select s.* from s_order_items s join changed using (order_id);
insert into item_discounts select s.* from s_item_discounts s join changed using (order_id);
commit;
SQL
before() { # the orders as they were, in tables with keys
    drop; load merge orders; sql -c "vacuum analyze orders, order_items, item_discounts" -c checkpoint
}
for _ in $(seq "$runs"); do
    before; timed by-hand sql -f "$work/merge.sql"; same
    before; timed merge load merge changed; same
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { paste "$1" "$2" | awk '{ print $1 / $2 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
cd "$work"
echo "append: limit $(median limit) s, stevedore $(median append) s, ratio $(ratio append limit)"
echo "a tenth changed: SQL by hand $(median by-hand) s, stevedore $(median merge) s, ratio $(ratio merge by-hand)"
