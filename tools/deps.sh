#!/bin/sh
# deps - installs the Debian packages of tools/deps.list that are missing.
#
# usage: tools/deps.sh SECTION...     e.g. tools/deps.sh build demo
# As root or through sudo without a password; else it prints the one command.
set -eu
cd "$(dirname "$0")"

wanted=$(awk -v sections=" $* " '
	/^#/ || /^$/ { next }
	/^\[/ { name = substr($1, 2, length($1) - 2); take = index(sections, " " name " "); next }
	take { print $1 }' deps.list)
[ -n "$wanted" ] || { echo "deps: no such section: $*" >&2; exit 2; }

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not Debian; what is needed stands in tools/deps.list" >&2
	exit 1
fi
missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	# a program of that name that came from elsewhere is as good
	[ "$status" = installed ] || command -v "$package" >/dev/null ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as=sudo
else
	echo "These Debian packages are missing. Install them with" >&2
	echo "  sudo apt-get install --no-install-recommends$missing" >&2
	echo "and say make again." >&2
	exit 1
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$as apt-get update -q
# shellcheck disable=SC2086
$as apt-get install -q -y --no-install-recommends $missing
