# about: Sling, `--columns`
# in: strict
# shellcheck shell=bash
# needs: sling
sling run --src-stream "file://$FILE" --src-options '{flatten: true}' \
    --columns '{id: integer, name: text, count: integer, big: bigint, amount: "decimal(18,2)",
        ratio: float, ok: bool, at: timestampz, items: json}' \
    --tgt-conn POSTGRES --tgt-object public.readings --mode full-refresh
