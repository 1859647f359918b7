#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages of packages.txt that are missing, and says which and why. When nothing
# is missing it is one dpkg query and changes nothing. It downloads nothing but those packages.
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "setup: this is not a Debian system; install what these packages hold yourself:" >&2
  grep -v '^#' "$list" | grep . >&2
  exit 1
fi

mapfile -t wanted < <(sed 's/#.*//' "$list" | awk 'NF { print $1 }')
# dpkg-query fails when it does not know a package; that package is then just not in its answer.
installed="$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
  awk '$2 == "installed" { print $1 }')" || true

missing=()
for package in "${wanted[@]}"; do
  grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

echo "setup: ${#missing[@]} of ${#wanted[@]} packages are missing:"
for package in "${missing[@]}"; do
  awk -v name="$package" '$1 == name { print "  " $0 }' "$list"
done

as_root=()
if [[ "$(id -u)" != 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: neither root nor sudo here. As root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}
apt update
apt install --no-install-recommends "${missing[@]}"
