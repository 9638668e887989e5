#!/usr/bin/env bash
# What testssl (testssl.sh 3.0 or newer) finds about a server: testssl.sh HOST:PORT FILE.json
# It looks at protocols, ciphers, forward secrecy, the server's preferences and defaults,
# its header, and known holes; that takes half a minute, most of it waiting.
set -euo pipefail
[ $# -eq 2 ] || {
	sed -n 2,4p "${BASH_SOURCE[0]}" >&2
	exit 2
}
at=$1 file=$2
program=$(command -v testssl || command -v testssl.sh)
rm -f "$file"
# The exit status says how many findings there were; those are in the file.
"$program" --quiet --color 0 --warnings off --ip one -p -s -f -P -S -h -U --jsonfile "$file" "$at" || [ -s "$file" ]
