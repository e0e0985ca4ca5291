#!/bin/sh
# Builds what sandboxes run in, named by the hash of what is in it: the image for container engines
# (its name goes to var/sandbox-image) and, where bubblewrap is installed, the same file system as a
# folder (var/sandbox-root). What exists is not built again; what this checkout built over a day
# ago and nothing uses is removed.
#
# The base is python:3.11-slim where a registry answers, else a Debian root file system made by
# debootstrap from the mirror that this machine's own apt uses (needs root). assemble_root.py takes
# from either only what Python and numpy need. Without an engine the folder is built directly.
set -eu

cd "$(dirname "$0")/.."
here=sandbox
var=var
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || python=python3
suite=bookworm
base=
work=
trap 'if [ -n "$work" ]; then rm -rf "$work"; fi' EXIT

say() { printf 'sandbox image: %s\n' "$*"; }
fail() { printf 'sandbox image: %s\n' "$*" >&2; exit 1; }

sources="$here/__init__.py $here/codec.py $here/runner.py $here/lockdown.py $here/forkserver.py"

content_hash() {
    {
        # shellcheck disable=SC2086 # a list of names
        cat $here/Dockerfile $here/build-image.sh $here/assemble_root.py \
            $here/numpy_requirement.py $sources
        sed -n '/^numpy==/,/[^\\]$/p' requirements.lock
    } | sha256sum | cut -c1-16
}

have_engine() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

# The first mirror of the main archive in this machine's apt sources, in either of its formats.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null |
        awk '$1 == "URIs:" { print $2 }
             $1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z+]+:\/\//) { print $i; break } }' |
        grep '/debian/*$' | head -n 1
}

# --- The base ---------------------------------------------------------------------------------

pull_base() {
    base=python:3.11-slim
    if docker image inspect "$base" >/dev/null 2>&1; then return; fi
    say "asking the registry for $base"
    timeout 60 docker pull -q "$base" >/dev/null 2>&1
}

import_base() {
    base=yimian-sandbox-base:$suite
    if docker image inspect "$base" >/dev/null 2>&1; then return; fi
    bootstrap "$work/base" "no registry answers"
    say "importing it"
    tar -C "$work/base" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' \
        --exclude='./sys/*' --exclude='./var/*/*' -c . | docker import - "$base" >/dev/null
    rm -rf "$work/base"
}

# bootstrap FOLDER WHY
bootstrap() {
    [ "$(id -u)" = 0 ] || fail "$2, and debootstrap needs root: run this as root once"
    if ! command -v debootstrap >/dev/null; then
        say "installing debootstrap"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            debootstrap >/dev/null
    fi
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "$2, and apt's sources name no Debian mirror"
    say "$2: making a Debian $suite root file system (about a minute)"
    debootstrap --variant=minbase --include=python3 $suite "$1" "$mirror" \
        >$var/debootstrap.log 2>&1 || fail "debootstrap failed, see $var/debootstrap.log"
}

# in_base COMMAND…: in the base image, or where there is no engine in the base folder
in_base() {
    if [ -n "$base" ]; then
        docker run --rm --network none --entrypoint "$1" "$base" "$2" "$3"
    else
        bwrap --unshare-all --bind "$work/base" / --dev /dev --proc /proc "$@"
    fi
}

# --- The image and the folder -------------------------------------------------------------------

gather_context() {
    mkdir -p "$work/context/sandbox" "$work/context/site"
    version=$(in_base python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    machine=$(uname -m)
    say "fetching numpy for Python $version on $machine"
    "$python" $here/numpy_requirement.py requirements.lock "$version" >"$work/numpy.txt"
    "$python" -m pip download -q --no-deps --only-binary=:all: --require-hashes \
        --implementation cp --python-version "$version" \
        --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
        --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
        -d "$work/wheels" -r "$work/numpy.txt"
    "$python" -m zipfile -e "$work"/wheels/*.whl "$work/context/site"
    # shellcheck disable=SC2086 # a list of names
    cp $sources "$work/context/sandbox/"
    cp $here/assemble_root.py "$work/context/"
    chmod -R u=rwX,go=rX "$work/context"
}

build_image() {
    pull_base || import_base
    gather_context
    say "building $image"
    DOCKER_BUILDKIT=0 docker build -q --network none --force-rm -f $here/Dockerfile \
        --build-arg "BASE=$base" --build-arg "CHECKOUT=$checkout" \
        -t "$image" "$work/context" >$var/image-build.log 2>&1 ||
        fail "docker build failed, see $var/image-build.log"
    prune -f --filter label=yimian.stage=build
}

# Of this checkout's own images; another checkout may be at it, then next time.
prune() { docker image prune "$@" --filter "label=yimian.checkout=$checkout" >/dev/null 2>&1 || true; }

export_image() {
    container=$(docker create "$image")
    docker export "$container" | tar -C "$work/root" --no-same-owner -x --exclude='dev/*' \
        --exclude='etc/*' --exclude=.dockerenv
    docker rm "$container" >/dev/null
}

assemble_directly() {
    bootstrap "$work/base" "no container engine answers"
    gather_context
    mv "$work/context" "$work/base/build"
    in_base python3 -I /build/assemble_root.py /build /assembled
    mv "$work/base/assembled" "$work/root"
}

build_root() {
    say "making $root"
    mkdir -p "$work/root"
    if have_engine; then export_image; else rmdir "$work/root" && assemble_directly; fi
    chmod 755 "$work/root"
    touch "$work/root"
    mv -T "$work/root" "$root"
}

mkdir -p $var
hash=$(content_hash)
checkout=$(pwd | sha256sum | cut -c1-16)
image=yimian-sandbox:$hash
root=$var/sandbox-root-$hash
built=
if ! have_engine && ! command -v bwrap >/dev/null; then
    say "WARNING: nothing built, there is neither a container engine nor bubblewrap"
    exit 0
fi
# One build at a time: who waits finds it done.
exec 9>$var/sandbox-build.lock
flock 9
# Beside what it becomes, so that it can be moved there whole.
work=$(mktemp -d $var/sandbox-build-XXXXXX)
if have_engine; then
    if ! docker image inspect "$image" >/dev/null 2>&1; then
        build_image
        prune -a -f --filter until=24h
        built=yes
    fi
    printf '%s\n' "$image" >$var/sandbox-image
fi
if command -v bwrap >/dev/null; then
    if ! [ -d "$root" ]; then
        build_root
        find $var -maxdepth 1 -name 'sandbox-root-*' ! -path "$root" -mtime +0 -exec rm -rf {} +
        built=yes
    fi
    printf '%s\n' "${root##*/}" >$var/sandbox-root
fi
if [ -n "$built" ]; then say "done"; fi
