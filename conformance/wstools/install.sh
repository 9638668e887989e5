#!/usr/bin/env bash
# Installs the peers of the WebSocket tests, pinned by package-lock.json, requirements.txt and
# autobahn.txt, beside this file. It is quick when all is there, and fails if one is not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# thrice runs a command again that fails, as what it loads may not come the first time.
thrice() {
	"$@" || { sleep 5 && "$@"; } || { sleep 20 && "$@"; }
}

# current is true where folder $1 was made from file $2.
current() { cmp -s "$2" "$1/installed-from"; }

javascript() {
	current node_modules package-lock.json && return
	thrice npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel error
	cp package-lock.json node_modules/installed-from
}

python() {
	current .venv requirements.txt && return
	rm -rf .venv
	python3 -m venv .venv
	thrice .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement requirements.txt
	cp requirements.txt .venv/installed-from
}

# python2 finds a Python 2.7 with pip: on the PATH, or one that pyenv has installed.
python2() {
	local candidate
	for candidate in python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
		if "$candidate" -m pip --version >/dev/null 2>&1; then
			command -v "$candidate"
			return
		fi
	done
	printf 'install.sh: Autobahn needs Python 2.7 with pip, such as that of "pyenv install 2.7.18"\n' >&2
	return 1
}

# A package of it has to be compiled.
autobahn() {
	current .autobahn autobahn.txt && return
	local python
	python=$(python2) || return
	rm -rf .autobahn
	thrice "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location --no-deps \
		--prefix "$PWD/.autobahn" --requirement autobahn.txt 2>&1 | { grep -v DEPRECATION || true; }
	ln -s "$python" .autobahn/python
	cp autobahn.txt .autobahn/installed-from
}

failed=0
running=()
for peer in javascript python autobahn; do
	(set -e; "$peer") &
	running+=($!)
done
for job in "${running[@]}"; do
	wait "$job" || failed=1
done
exit "$failed"
