# shellcheck shell=bash
# Sourced by the installers: the cache folder, stamps, locks and Debian packages.
#
# An installer prints one line on standard output: the folder or program that it
# made sure of. All else goes to standard error.

set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BERDLHUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/berdlhub}

# say TEXT: tells the person who waits what is going on.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# fail REMEDY: ends the installer with one line that says what to do.
fail() {
	say "$*"
	exit 1
}

# digest FILE...: a short name for the content of the files.
digest() {
	local sum
	sum=$(cat "$@" | sha256sum)
	printf '%s' "${sum:0:12}"
}

# lock NAME: waits until no other installer of that name is at work; held until
# this process ends. Children get no copy (see "9>&-" at their calls), so that a
# process which one of them leaves behind does not hold it.
lock() {
	command -v flock >/dev/null || fail "flock is missing; install util-linux"
	mkdir -p "$cache/locks"
	exec 9>"$cache/locks/$1"
	flock 9
}

# debian PACKAGE...: installs Debian packages, or says which ones to install.
debian() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		fail "install these Debian packages (or their like), then try again: $*"
	fi
	say "installing Debian packages: $*"
	local log
	log=$(mktemp)
	export DEBIAN_FRONTEND=noninteractive
	if ! apt_get install "$@" >"$log" 2>&1; then
		{ apt_get update && apt_get install "$@"; } >"$log" 2>&1 9>&- || {
			tail -n 20 "$log" >&2
			rm -f "$log"
			fail "apt-get could not install: $*"
		}
	fi
	rm -f "$log"
}

# apt_get COMMAND [PACKAGE...]: waits for another apt-get rather than failing.
apt_get() {
	local command=$1
	shift
	apt-get -q -y -o DPkg::Lock::Timeout=600 -o APT::Install-Recommends=false -o Dpkg::Options::=--force-confold "$command" "$@" </dev/null 9>&-
}

# quietly COMMAND...: shows the output of the command only if it fails.
quietly() {
	local log
	log=$(mktemp)
	if "$@" >"$log" 2>&1 </dev/null 9>&-; then
		rm -f "$log"
		return 0
	fi
	tail -n 40 "$log" >&2
	rm -f "$log"
	return 1
}
