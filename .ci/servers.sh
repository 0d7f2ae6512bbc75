#!/usr/bin/env bash
# Real servers for the end-to-end tests: Docker engine, VictoriaLogs, Prometheus, a tiny image.
#
#   .ci/servers.sh packages        install what is missing (Debian, as root); nothing if all is there
#   .ci/servers.sh exec CMD ARG…   start the servers, run CMD with TAMIS_E2E_* set, stop them again
#   .ci/servers.sh up              start them and print `export` lines for a shell
#   .ci/servers.sh down            stop what `up` or `exec` started
#
# Every step can be repeated. A step that fails says why and shows the log of the server concerned.
# An engine that is already running is used as it is and left running; otherwise one is started with
# its own socket and data directory, shared by all runs that overlap and stopped by the last one.
# Nothing is fetched but packages (Debian, Go modules); no image registry is asked for anything.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TAMIS_CACHE:-$HOME/.cache/tamis}
state=${TAMIS_E2E_DIR:-/tmp/tamis-e2e-$(id -u)} # short: a unix socket path has 107 bytes
image=tamis-test/busybox

say() { printf 'servers: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 69
}

# A wedged container can make any docker command hang for ever.
docker_cmd() { timeout 60 docker "$@"; }

has() { command -v "$1" >/dev/null 2>&1; }

# Debian starts a service as soon as its package is installed. Refuse that while we install, unless
# the machine already has an opinion of its own.
apt_install() {
    [ "$(id -u)" = 0 ] && has apt-get ||
        die "missing packages: $*. Install them, or run as root on Debian or Ubuntu."
    local policy=/usr/sbin/policy-rc.d made=0 rc=0
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        made=1
    fi
    say "installing $*"
    {
        timeout 300 apt-get -o Acquire::Retries=3 update -q &&
            DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -o Acquire::Retries=3 install \
                -y -q --no-install-recommends "$@"
    } >"$state/apt.log" 2>&1 || rc=$?
    [ $made = 0 ] || rm -f $policy
    if [ $rc != 0 ]; then
        tail -n 30 "$state/apt.log" >&2
        die "apt-get failed with $rc; the whole output is in $state/apt.log"
    fi
}

ensure_packages() {
    local want=()
    has dockerd || want+=(docker.io)
    has docker || want+=(docker.io)
    has iptables || want+=(iptables)
    has prometheus && has promtool || want+=(prometheus)
    has docker-compose || timeout 10 docker compose version >/dev/null 2>&1 ||
        want+=(docker-compose)
    has curl || want+=(curl)
    has flock || want+=(util-linux)
    has cmake || want+=(cmake) # aws-lc-rs
    has cc || want+=(build-essential)
    [ ${#want[@]} = 0 ] || apt_install "${want[@]}"
}

# The engine. Prints nothing; sets docker_host and docker_root.
ensure_docker() {
    if [ ! -e "$state/docker.sock" ] && timeout 10 docker version >/dev/null 2>&1; then
        docker_host=${DOCKER_HOST:-unix:///var/run/docker.sock}
        say "using the engine at $docker_host"
    else
        docker_host=unix://$state/docker.sock
        if ! DOCKER_HOST=$docker_host timeout 10 docker version >/dev/null 2>&1; then
            start_dockerd
        fi
    fi
    export DOCKER_HOST=$docker_host
    docker_root=$(docker_cmd info --format '{{.DockerRootDir}}')
}

start_dockerd() {
    [ "$(id -u)" = 0 ] || die "no Docker engine answers, and starting one needs root"
    local log=$state/dockerd.log i
    mkdir -p "$state/data"
    say "starting dockerd with data in $state/data"
    setsid dockerd --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/dockerd.pid" \
        -H "$docker_host" --shutdown-timeout 5 >"$log" 2>&1 </dev/null 9>&- &
    for i in $(seq 120); do
        if DOCKER_HOST=$docker_host timeout 10 docker version >/dev/null 2>&1; then
            return
        fi
        kill -0 $! 2>/dev/null || break
        sleep 0.25
    done
    tail -n 40 "$log" >&2
    die "dockerd did not answer (tried $i times); its log is above and in $log"
}

# One static busybox from the Debian package, imported: no registry, no build.
base_image() {
    docker_cmd image inspect "$image" >/dev/null 2>&1 && return
    local work
    work=$(mktemp -d "$state/image.XXXXXX")
    if [ ! -s "$cache/busybox" ]; then
        say "fetching busybox-static"
        (cd "$work" && timeout 120 apt-get download -q busybox-static >apt.log 2>&1) ||
            (timeout 300 apt-get update -q >"$work/apt.log" 2>&1 && cd "$work" &&
                timeout 120 apt-get download -q busybox-static >>apt.log 2>&1) || {
            cat "$work/apt.log" >&2
            die "cannot download the package busybox-static"
        }
        dpkg-deb -x "$work"/busybox-static_*.deb "$work/deb"
        mkdir -p "$cache"
        cp "$work/deb/bin/busybox" "$cache/busybox.$$"
        mv "$cache/busybox.$$" "$cache/busybox"
    fi
    mkdir -p "$work/root/bin" "$work/root/tmp" "$work/root/in"
    cp "$cache/busybox" "$work/root/bin/busybox"
    local applet
    for applet in sh cat sleep echo printf tail seq yes wget nc awk date test; do
        ln -s busybox "$work/root/bin/$applet"
    done
    tar -C "$work/root" -c . | docker_cmd import - "$image" >/dev/null
    rm -rf "$work"
}

# VictoriaLogs speaks Loki's push protocol and can be built from a Go module. About a minute, once.
ensure_victorialogs() {
    local sum
    sum=$(cat "$here"/victorialogs/go.mod "$here"/victorialogs/go.sum | sha256sum | cut -c1-12)
    victorialogs=$cache/victoria-logs-$sum
    [ ! -x "$victorialogs" ] || return 0
    has go || die "Go 1.26 is needed to build VictoriaLogs; install it or put it on PATH"
    say "building VictoriaLogs into $victorialogs"
    mkdir -p "$cache"
    (cd "$here/victorialogs" && CGO_ENABLED=0 timeout 900 go build -trimpath -o "$victorialogs.$$" \
        github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs) >"$state/victorialogs.log" 2>&1 || {
        tail -n 30 "$state/victorialogs.log" >&2
        die "VictoriaLogs does not build"
    }
    mv "$victorialogs.$$" "$victorialogs"
}

up() {
    mkdir -p "$state/users"
    exec 9>"$state/lock"
    flock -w 900 9 || die "another run holds $state/lock"
    ensure_packages
    ensure_docker
    base_image
    ensure_victorialogs
    : >"$state/users/$1"
    flock -u 9
    export TAMIS_E2E_DOCKER_HOST=$docker_host TAMIS_E2E_DOCKER_ROOT=$docker_root
    export TAMIS_E2E_IMAGE=$image TAMIS_E2E_VICTORIALOGS=$victorialogs
    TAMIS_E2E_COMPOSE=docker-compose
    has docker-compose || TAMIS_E2E_COMPOSE="docker compose"
    export TAMIS_E2E_COMPOSE
    TAMIS_E2E_PROMETHEUS=$(command -v prometheus)
    TAMIS_E2E_PROMTOOL=$(command -v promtool)
    export TAMIS_E2E_PROMETHEUS TAMIS_E2E_PROMTOOL
}

# Forgets this user; the last one stops the engine that we started, never one that was there before.
down() {
    [ -d "$state" ] || return 0
    exec 9>"$state/lock"
    flock -w 60 9 || return 0
    rm -f "$state/users/$1"
    local user others=0 i
    for user in "$state"/users/*; do
        [ -e "$user" ] || continue
        if [ "${user##*/}" = shell ] || kill -0 "${user##*/}" 2>/dev/null; then
            others=1
        else
            rm -f "$user"
        fi
    done
    [ $others = 0 ] && [ -s "$state/dockerd.pid" ] || return 0
    local pid
    pid=$(cat "$state/dockerd.pid")
    say "stopping dockerd"
    kill "$pid" 2>/dev/null || true
    for i in $(seq 80); do
        kill -0 "$pid" 2>/dev/null || break
        [ "$i" != 60 ] || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.25
    done
    rm -f "$state/docker.sock"
    rm -rf "$state/data" "$state/exec" "$state/dockerd.pid" 2>/dev/null || true
}

mkdir -p "$state"
case ${1:-} in
packages)
    ensure_packages
    ;;
up)
    up shell
    env | grep '^TAMIS_E2E_' | sed -E "s/=(.*)/='\\1'/; s/^/export /"
    ;;
down)
    down shell
    ;;
exec)
    shift
    trap 'down $$' EXIT
    up $$
    rc=0
    "$@" 9>&- || rc=$?
    exit $rc
    ;;
*)
    die "usage: $0 packages | up | down | exec CMD ARG…"
    ;;
esac
