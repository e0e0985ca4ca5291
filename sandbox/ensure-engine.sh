#!/bin/sh
# Sees to a container engine: uses the one that answers; as root on Debian or Ubuntu installs and
# starts docker.io; otherwise says what to install, and sees to bubblewrap instead. Exits 0 in any
# case: without either everything but coding questions works, and those say why they cannot be run.
set -u

cd "$(dirname "$0")/.."
var=var

say() { printf 'container engine: %s\n' "$*"; }

give_up() {
    printf 'container engine: %s\n' "$*" >&2
    if ! command -v bwrap >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install bubblewrap libseccomp2 || true
    fi
    if command -v bwrap >/dev/null; then
        say "bubblewrap is used instead, if control groups can be made (yimian doctor tells)"
    else
        printf 'container engine: WARNING: coding questions cannot be run until this is done.\n' >&2
    fi
    exit 0
}

answers() { command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1; }

install() {
    say "installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
        >>$var/engine-install.log 2>&1
}

# Debian 13 moved the command into a package of its own.
install_engine() {
    apt-get update -qq >$var/engine-install.log 2>&1
    if ! command -v dockerd >/dev/null; then
        install docker.io || give_up "docker.io cannot be installed, see $var/engine-install.log"
    fi
    if ! command -v docker >/dev/null; then
        install docker-cli || install docker.io || give_up "there is no docker command to install"
    fi
}

# Detached, so that it outlives this script and the terminal; an init that manages it is asked first.
start_engine() {
    if [ -d /run/systemd/system ]; then systemctl start docker >/dev/null 2>&1 && return; fi
    say "starting dockerd, its log is $var/dockerd.log"
    setsid nohup dockerd >$var/dockerd.log 2>&1 </dev/null &
}

wait_for_engine() {
    for _ in $(seq 60); do
        if answers; then return 0; fi
        sleep 0.5
    done
    return 1
}

mkdir -p $var
if answers; then exit 0; fi

[ "$(id -u)" = 0 ] || give_up \
    "no engine answers. Install Docker or Podman with its Docker-compatible socket, start it, and let this user reach it (group docker, or DOCKER_HOST)."
if ! command -v docker >/dev/null || ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null || give_up "no engine answers. Install Docker and start it."
    install_engine
fi
if answers; then exit 0; fi
start_engine
wait_for_engine || give_up "dockerd does not answer, see $var/dockerd.log"
say "ready"
