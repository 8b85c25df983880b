# about: Sling, `flatten`, `full-refresh`
# in: default deliveries
# shellcheck shell=bash
# needs: sling
sling run --src-stream "file://$FILE" --src-options '{flatten: true}' \
    --tgt-conn POSTGRES --tgt-object public.readings --mode full-refresh
