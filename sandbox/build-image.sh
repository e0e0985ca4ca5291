#!/bin/sh
# Builds the sandbox image, named by the hash of what is in it, and writes the name to
# var/sandbox-image. An image that exists is not built again.
#
# The base is python:3.11-slim where a registry answers, else a Debian root file system made by
# debootstrap from the mirror that this machine's own apt uses (needs root).
set -eu

cd "$(dirname "$0")/.."
here=sandbox
var=var
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=python3
suite=bookworm
work=
trap 'if [ -n "$work" ]; then rm -rf "$work"; fi' EXIT

say() { printf 'sandbox image: %s\n' "$*"; }
fail() { printf 'sandbox image: %s\n' "$*" >&2; exit 1; }

content_hash() {
    {
        cat $here/Dockerfile $here/build-image.sh $here/numpy_requirement.py \
            $here/__init__.py $here/codec.py $here/runner.py $here/forkserver.py
        sed -n '/^numpy==/,/[^\\]$/p' requirements.lock
    } | sha256sum | cut -c1-16
}

# The first mirror of the main archive in this machine's apt sources, in either of its formats.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null |
        awk '$1 == "URIs:" { print $2 }
             $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\//) { print $i; break } }' |
        grep '/debian/*$' | head -n 1
}

pull_base() {
    base=python:3.11-slim
    if docker image inspect "$base" >/dev/null 2>&1; then return; fi
    say "asking the registry for $base"
    timeout 60 docker pull -q "$base" >/dev/null 2>&1
}

bootstrap_base() {
    base=yimian-sandbox-base:$suite
    if docker image inspect "$base" >/dev/null 2>&1; then return; fi
    [ "$(id -u)" = 0 ] || fail "no registry answers, and debootstrap needs root: run this as root once"
    if ! command -v debootstrap >/dev/null; then
        say "installing debootstrap"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            debootstrap >/dev/null
    fi
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "no registry answers, and apt's sources name no Debian mirror"
    say "no registry answers: making a Debian $suite root file system (about a minute)"
    mkdir -p $var
    debootstrap --variant=minbase --include=python3 $suite "$work/root" "$mirror" \
        >$var/debootstrap.log 2>&1 || fail "debootstrap failed, see $var/debootstrap.log"
    say "importing it"
    # Only what Python needs: no package manager, no perl, no documentation, no set-uid tools.
    tar -C "$work/root" --numeric-owner \
        --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./boot/*' \
        --exclude='./tmp/*' --exclude='./root/.*' --exclude='./var/*/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/info/*' \
        --exclude='./usr/share/locale/*' --exclude='./usr/share/i18n/*' \
        --exclude='./usr/share/perl*' --exclude='./usr/lib/*/perl*' --exclude='./usr/bin/*perl*' \
        --exclude='./usr/lib/*/gconv/*' --exclude='./usr/lib/apt' --exclude='./usr/lib/dpkg' \
        --exclude='./usr/bin/apt*' --exclude='./usr/bin/dpkg*' --exclude='./usr/sbin/*' \
        --exclude='./usr/bin/su' --exclude='./usr/bin/mount' --exclude='./usr/bin/umount' \
        --exclude='./usr/bin/passwd' --exclude='./usr/bin/chsh' --exclude='./usr/bin/chfn' \
        --exclude='./usr/bin/gpasswd' --exclude='./usr/bin/newgrp' --exclude='./usr/bin/expiry' \
        --exclude='./usr/bin/chage' --exclude='./usr/lib/*/libapt*' --exclude='./etc/shadow*' \
        -c . | docker import - "$base" >/dev/null
    rm -rf "$work/root"
}

fetch_numpy() {
    version=$(docker run --rm --network none --entrypoint python3 "$base" \
        -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    machine=$(uname -m)
    say "fetching numpy for Python $version on $machine"
    "$python" $here/numpy_requirement.py requirements.lock "$version" >"$work/numpy.txt"
    "$python" -m pip download -q --no-deps --only-binary=:all: --require-hashes \
        --implementation cp --python-version "$version" \
        --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
        --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
        -d "$work/wheels" -r "$work/numpy.txt"
    "$python" - "$work/wheels" "$work/context/site" <<'PYTHON'
import pathlib
import sys
import zipfile

UNUSED = ("/tests/", "/include/", "/f2py/")
(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    used = [name for name in archive.namelist() if not any(part in name for part in UNUSED)]
    archive.extractall(sys.argv[2], used)
PYTHON
}

command -v docker >/dev/null || fail "there is no docker command: run sandbox/ensure-engine.sh first"
docker info >/dev/null 2>&1 || fail "no container engine answers: run sandbox/ensure-engine.sh first"

image=yimian-sandbox:$(content_hash)
mkdir -p $var
if ! docker image inspect "$image" >/dev/null 2>&1; then
    work=$(mktemp -d)
    mkdir -p "$work/context/site"
    pull_base || bootstrap_base
    fetch_numpy
    cp $here/Dockerfile $here/__init__.py $here/codec.py $here/runner.py $here/forkserver.py \
        "$work/context/"
    chmod -R u=rwX,go=rX "$work/context"
    say "building $image"
    DOCKER_BUILDKIT=0 docker build -q --network none --build-arg "BASE=$base" \
        -t "$image" "$work/context" >$var/image-build.log 2>&1 ||
        fail "docker build failed, see $var/image-build.log"
    say "done"
fi
printf '%s\n' "$image" >$var/sandbox-image
