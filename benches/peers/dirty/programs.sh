# shellcheck shell=bash
# The programs that the scripts in with/ call, as their documentation names them: sourced before each.
stevedore() { "$STEVEDORE" "$@"; }

sling() {
    local -x SLING_DISABLE_TELEMETRY=true SLING_HOME_DIR="$SCRATCH/sling" POSTGRES="$DATABASE_URL?sslmode=disable"
    "$(echo "$PEERS"/sling/lib/python*/site-packages/sling_linux_amd64/bin/sling-linux-amd64)" "$@"
}

# Its extension is a package here, so it is loaded from there.
duckdb() {
    local packages
    packages=$(echo "$PEERS"/duckdb/lib/python*/site-packages)
    {
        echo "load '$(echo "$packages"/duckdb_extension_postgres_scanner/extensions/*/postgres_scanner.duckdb_extension)';"
        echo "set TimeZone = 'UTC';"
        cat
    } | "$packages/duckdb_cli/duckdb" -bail :memory:
}
