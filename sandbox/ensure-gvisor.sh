#!/bin/sh
# Gives the Docker engine of this machine the runtime yimian-runsc: gVisor as sandboxes need it, with
# no network and with our system call filter inside. As root on Debian or Ubuntu installs runsc.
# Usage: ensure-gvisor.sh [--required]   (--required: fail instead of going on without)
set -eu

cd "$(dirname "$0")/.."
name=yimian-runsc
required=${1:-}
mkdir -p var

give_up() {
    printf 'gVisor: %s\n' "$*" >&2
    [ "$required" != --required ]
    exit
}

registered() { docker info --format '{{range $name, $_ := .Runtimes}}{{$name}} {{end}}' 2>/dev/null | grep -qw $name; }

if registered; then exit 0; fi
[ "$(id -u)" = 0 ] || give_up "only root can give the engine a runtime"
if ! command -v runsc >/dev/null; then
    command -v apt-get >/dev/null || give_up "install runsc (https://gvisor.dev)"
    echo "    installing: runsc"
    apt-get update -qq >var/gvisor-install.log 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends runsc \
        >>var/gvisor-install.log 2>&1 || give_up "runsc cannot be installed, see var/gvisor-install.log"
fi
# Adds to /etc/docker/daemon.json; what else is there stays.
runsc install --runtime $name -- --network=none --oci-seccomp >>var/gvisor-install.log 2>&1 ||
    give_up "the runtime cannot be registered, see var/gvisor-install.log"
# The engine reads its runtimes again; nothing that runs is touched.
if [ -d /run/systemd/system ]; then
    systemctl reload docker || give_up "docker cannot be reloaded"
else
    kill -HUP "$(cat /var/run/docker.pid 2>/dev/null)" || give_up "no dockerd runs here"
fi
for _ in $(seq 20); do
    if registered; then exit 0; fi
    sleep 0.25
done
give_up "the engine does not know the runtime $name"
