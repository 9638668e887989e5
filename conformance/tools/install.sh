#!/usr/bin/env bash
# Installs what the tests of OpenAPI documents call, pinned by package-lock.json
# and requirements.txt, beside this file. It is quick when all is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

has_venv() { python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# programs installs Node, npm and Python from packages of Debian where they are missing.
programs() {
	local missing=()
	command -v node >/dev/null || missing+=(nodejs)
	command -v npm >/dev/null || missing+=(npm)
	has_venv || missing+=(python3 python3-venv)
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		printf 'install.sh: please install %s\n' "${missing[*]}" >&2
		exit 1
	fi
	export DEBIAN_FRONTEND=noninteractive
	thrice apt-get -qq update
	thrice apt-get -qq -y install --no-install-recommends "${missing[@]}" >/dev/null
}

# thrice runs a command again that fails, as what it loads may not come the first time.
thrice() {
	"$@" || { sleep 5 && "$@"; } || { sleep 20 && "$@"; }
}

# current is true where folder $1 was made from file $2.
current() { cmp -s "$2" "$1/installed-from"; }

linters() {
	current node_modules package-lock.json && return
	thrice npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel error
	cp package-lock.json node_modules/installed-from
}

fuzzer() {
	current .venv requirements.txt && return
	rm -rf .venv
	python3 -m venv .venv
	thrice .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement requirements.txt
	cp requirements.txt .venv/installed-from
}

if ! current node_modules package-lock.json || ! current .venv requirements.txt; then
	programs
	failed=0
	linters &
	linters=$!
	fuzzer &
	fuzzer=$!
	wait "$linters" || failed=1
	wait "$fuzzer" || failed=1
	exit "$failed"
fi
