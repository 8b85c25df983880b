# about: Sling, `--mode incremental --primary-key id`
# in: deliveries
# shellcheck shell=bash
# needs: sling
sling run --src-stream "file://$FILE" --src-options '{flatten: true}' \
    --tgt-conn POSTGRES --tgt-object public.readings --mode incremental --primary-key id
