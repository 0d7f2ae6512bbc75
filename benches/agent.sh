#!/usr/bin/env bash
# Measures the whole agent: json-file logs in, both walls, Loki push protocol out.
#
#   benches/agent.sh [LINES]      default 300,000 lines of fixtures/bench/mixed.log
#
# Needs target/release/tamis, and TAMIS_BENCH_LOKI_URL: the push endpoint of a store that answers
# 204 (VictoriaLogs: /insert/loki/api/v1/push?disable_message_parsing=1). Without it the clean
# records go to standard output, which is thrown away. Prints lines, seconds, processor seconds,
# lines and MB per processor second, and resident memory. Fails when a line is unaccounted for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lines=${1:-300000}
tamis=target/release/tamis
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

id=$(printf 'ab%.0s' {1..32})
dir=$work/containers/$id
mkdir -p "$dir"
printf '{"ID":"%s","Name":"/bench-1","LogPath":"%s","Config":{"Image":"bench","Labels":{"com.docker.compose.service":"bench"}},"State":{"Running":true,"Pid":1}}' \
    "$id" "$dir/$id-json.log" >"$dir/config.v2.json"
printf '{"LogConfig":{"Type":"json-file"}}' >"$dir/hostconfig.json"
awk -v want="$lines" '
    { gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); gsub(/[\001-\037]/, " "); row[NR] = $0 }
    END {
        for (i = 0; i < want; i++)
            printf "{\"log\":\"%s\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-24T08:00:00.%09dZ\"}\n", row[i % NR + 1], i
    }' fixtures/bench/mixed.log >"$dir/$id-json.log"
bytes=$(stat -c %s "$dir/$id-json.log")

sink='[sink.stdout]'
[ -z "${TAMIS_BENCH_LOKI_URL:-}" ] || sink="[sink.loki]
url = \"$TAMIS_BENCH_LOKI_URL\""
cat >"$work/tamis.toml" <<TOML
state_dir = "$work/state"
workers = 1
[server]
listen = "127.0.0.1:0"
[source.json_file]
root = "$work/containers"
$sink
TOML

start=$(date +%s.%N)
"$tamis" run --config "$work/tamis.toml" >/dev/null 2>"$work/log" &
pid=$!
metric() {
    curl -fs "http://$(cat "$work/state/listen")/metrics" 2>/dev/null |
        awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { printf "%d\n", sum }'
}
for _ in $(seq 1200); do
    sleep 0.1
    [ -s "$work/state/listen" ] || continue
    read_lines=$(metric tamis_source_lines_total)
    in_flight=$(metric tamis_in_flight_lines)
    [ "${read_lines:-0}" = "$lines" ] && [ "${in_flight:-1}" = 0 ] && break
done
end=$(date +%s.%N)
ticks=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
memory=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
difference=$(metric tamis_conservation_difference_lines)
kill -TERM "$pid"
wait "$pid"
pid=
[ "$read_lines" = "$lines" ] && [ "$difference" = 0 ] || {
    echo "read $read_lines of $lines lines, difference $difference" >&2
    exit 1
}
awk -v lines="$lines" -v bytes="$bytes" -v wall="$(echo "$end - $start" | bc -l)" \
    -v cpu="$(echo "$ticks / $(getconf CLK_TCK)" | bc -l)" -v memory="$memory" 'BEGIN {
    printf "lines %d, wall %.2f s, processor %.2f s, %.0f lines and %.1f MB per processor second, peak %.1f MiB\n",
        lines, wall, cpu, lines / cpu, bytes / 1e6 / cpu, memory / 1024 }'
