#!/bin/sh
# Installs Debian packages that are missing, as root; otherwise says what to install.
# Usage: apt-install.sh [--required] PACKAGE…   (--required: fail instead of going on without)
set -eu

required=no
if [ "$1" = --required ]; then required=yes; shift; fi

missing=
for package in "$@"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "    installing:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "    please install (Debian's names):$missing"
[ "$required" = no ]
