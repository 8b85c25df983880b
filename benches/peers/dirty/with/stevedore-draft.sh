# about: Stevedore, a feed drafted from the file
# in: default
# shellcheck shell=bash
stevedore feed draft "$FILE" --table readings > drafted.toml
stevedore load "$FILE" --feed drafted.toml --mode append
