#!/usr/bin/env bash
# Fuzzes the scrubber: .ci/fuzz.sh SECONDS [TARGET…], each target for so many seconds.
#
# Installs what is missing: the pinned nightly compiler and cargo-fuzz. Starts from the inputs kept
# in fixtures/fuzz and from the lines of fixtures/detect; what it learns stays in fuzz/corpus, which
# is not committed. A finding fails the run and is copied to fixtures/fuzz/<target>: commit it with
# its fix, `cargo test` replays it from then on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?usage: .ci/fuzz.sh SECONDS [TARGET…]}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(detect decode rewrite)

fuzz_version=0.13.2
nightly=nightly-2026-05-20
commit_date=2026-05-19 # what its `rustc --version` tells

tools() {
    # An installed nightly of that day will do, whatever its name.
    if rustc +nightly --version 2>/dev/null | grep -q "$commit_date"; then
        nightly=nightly
    elif ! rustc "+$nightly" --version >/dev/null 2>&1; then
        rustup toolchain install "$nightly" --profile minimal
    fi
    [ "$(cargo fuzz --version 2>/dev/null)" = "cargo-fuzz $fuzz_version" ] ||
        cargo install --locked --quiet "cargo-fuzz@$fuzz_version"
}

# One file for each line of the detectors' fixtures, named by its number.
seeds() {
    local corpus=fuzz/corpus/$1
    mkdir -p "$corpus" "fuzz/artifacts/$1"
    cat fixtures/detect/*.tsv | awk -F'\t' -v dir="$corpus" '
        !/^#/ && NF >= 3 {
            gsub(/␛/, "\033", $3); gsub(/‖/, "", $3)
            file = dir "/fixture-" ++n
            printf "%s", $3 > file
            close(file)
        }'
}

# Runs one target; libFuzzer ends with another status than 0 on a finding.
run() {
    local target=$1 artifacts=fuzz/artifacts/$1/
    seeds "$target"
    find "$artifacts" -type f -delete
    if cargo "+$nightly" fuzz run --release --target-dir fuzz/target "$target" \
        "fuzz/corpus/$target" "fixtures/fuzz/$target" -- \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 \
        -dict=fuzz/tamis.dict -print_final_stats=1 -verbosity=0; then
        return 0
    fi
    printf 'fuzz: %s broke something\n' "$target" >&2
    find "$artifacts" -type f -exec cp -v {} "fixtures/fuzz/$target/" \; >&2
    return 1
}

tools
failed=0
for target in "${targets[@]}"; do
    printf '=== fuzz %s, %s s\n' "$target" "$seconds"
    run "$target" || failed=1
done
exit "$failed"
