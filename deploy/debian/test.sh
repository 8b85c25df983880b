#!/usr/bin/env bash
# Installs a Debian package on this machine, uses it, upgrades it, and purges it. As root, and only where no
# other stevedore is installed: it removes /etc/stevedore and /var/lib/stevedore. Needs an installed PostgreSQL.
# Usage: deploy/debian/test.sh PACKAGE
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
package=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/../..")
# What `systemd-analyze security` says at most: 0 is shut off from everything, 10 from nothing.
most_exposed=12

step() { printf '== %s\n' "$*"; }
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }
as_service() {
    setpriv --reuid stevedore --regid stevedore --init-groups env -i PATH="$PATH" \
        STEVEDORE_CONFIG=/etc/stevedore/stevedore.toml STEVEDORE_FEEDS=/etc/stevedore/feeds \
        STEVEDORE_DATA_DIR=/var/lib/stevedore/data "$@"
}
if [ -e /etc/stevedore ] || [ -e /var/lib/stevedore ]; then fail "stevedore is installed here already"; fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
cp "$repository/data/user_status_sample.json" "$repository/feeds/examples/orders.toml" "$scratch/"
chmod 644 "$scratch"/*

step "install"
command -v adduser >/dev/null || apt-get install -y -qq adduser
dpkg -i "$package"
stevedore --version | grep -qx "stevedore $(dpkg-deb -f "$package" Version | cut -d- -f1)"
case $(getent passwd stevedore) in
    *:/var/lib/stevedore:/usr/sbin/nologin) ;;
    *) fail "the user is not as it should be" ;;
esac
[ "$(stat -c %a:%U /etc/stevedore/secrets.env /var/lib/stevedore | xargs)" = "600:root 700:stevedore" ] ||
    fail "others can read the secrets or the state"

step "units"
for unit in serve worker; do
    file=/usr/lib/systemd/system/stevedore-$unit.service
    systemd-analyze verify --man=no "$file"
    systemd-analyze security --offline=true --threshold=$most_exposed --no-pager "$file" | tail -1
done

step "pages and completions"
# Systems for containers install neither manuals nor completions: what counts is that they are in the package.
mkdir "$scratch/package" && dpkg-deb -x "$package" "$scratch/package"
cd "$scratch/package/usr/share"
for page in man/man1/*.1.gz; do zcat "$page" | grep -q '^\.SH SYNOPSIS'; done
[ "$(find man/man1 -name 'stevedore*.1.gz' | wc -l)" -gt 40 ] || fail "pages are missing"
bash -n bash-completion/completions/stevedore
if command -v zsh >/dev/null; then zsh -n zsh/vendor-completions/_stevedore; fi
if command -v fish >/dev/null; then fish --no-execute fish/vendor_completions.d/stevedore.fish; fi

step "load as the user of the services, with the settings of the services"
cd /
as_service stevedore config >/dev/null
cp "$scratch/orders.toml" /etc/stevedore/feeds/
as_service stevedore feed list | grep -q orders
as_service stevedore load "$scratch/user_status_sample.json" | grep 'user_status_log .* 13 '
# Again, and the ledger knows it.
as_service stevedore load "$scratch/user_status_sample.json" | grep -q 'already'

step "upgrade: the settings stay"
sed -i 's/^# grace_secs = 30/grace_secs = 45/' /etc/stevedore/stevedore.toml
dpkg-deb -R "$package" "$scratch/newer"
sed -i 's/^Version: .*/Version: 999.0.0/' "$scratch/newer/DEBIAN/control"
echo '# A line of a newer release.' >>"$scratch/newer/etc/stevedore/stevedore.toml"
dpkg-deb -Znone -b "$scratch/newer" "$scratch/newer.deb" >/dev/null
dpkg --force-confdef --force-confold -i "$scratch/newer.deb"
grep -qx 'grace_secs = 45' /etc/stevedore/stevedore.toml || fail "the settings were overwritten"
as_service stevedore config | grep -q 'grace_secs = "45"'
as_service stevedore load "$scratch/user_status_sample.json" | grep -q 'already'

step "remove and purge: the settings go, the database stays until it is removed by hand"
dpkg -r stevedore
[ ! -e /usr/bin/stevedore ] && [ -e /etc/stevedore/stevedore.toml ] || fail "removed too little or too much"
rm /etc/stevedore/feeds/orders.toml
dpkg -P stevedore
[ ! -e /etc/stevedore ] || fail "/etc/stevedore is left"
[ -d /var/lib/stevedore/data ] && getent passwd stevedore >/dev/null || fail "the database is gone"
rm -rf /var/lib/stevedore && deluser --quiet --system stevedore

step "purge without a database: nothing is left"
dpkg -i "$package" >/dev/null && dpkg -P stevedore >/dev/null
for left in /etc/stevedore /var/lib/stevedore; do [ ! -e "$left" ] || fail "$left is left"; done
! getent passwd stevedore || fail "the user is left"
echo "the package is fine"
