# about: Sling, one `jsonb` column
# in: default
# shellcheck shell=bash
# needs: sling
sling run --src-stream "file://$FILE" --tgt-conn POSTGRES --tgt-object public.readings --mode full-refresh
