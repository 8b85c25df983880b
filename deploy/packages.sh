#!/usr/bin/env bash
# Builds what a release carries into target/packages: a Debian package, a wheel, a bill of materials and
# checksums. Needs cargo-deb and maturin. They share one build of the program.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=target/packages
rm -rf "$packages" && mkdir -p "$packages/completions"

cargo build --profile dist --locked --bin stevedore
binary=${CARGO_TARGET_DIR:-target}/dist/stevedore

"$binary" man "$packages/man"
"$binary" completions bash >"$packages/completions/stevedore.bash"
"$binary" completions zsh >"$packages/completions/_stevedore"
"$binary" completions fish >"$packages/completions/stevedore.fish"

version=$("$binary" --version | cut -d' ' -f2)
printf 'stevedore (%s-1) unstable; urgency=medium\n\n  * NEWS.md says what changed.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^maintainer = "\(.*\)"/\1/p' api/Cargo.toml)" "$(date -R)" >"$packages/changelog"

cargo deb --package stevedore --profile dist --no-build --no-strip --locked --output "$packages/"
maturin build --out "$packages"
# maturin makes it for the wheel.
unzip -p "$packages"/*.whl '*/sboms/*.json' >"$packages/stevedore.cdx.json"
cp "$binary" "$packages/stevedore"

(cd "$packages" && sha256sum stevedore ./*.deb ./*.whl ./*.json >SHA256SUMS)
