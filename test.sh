#!/usr/bin/env bash
# The one command that runs the tests; ./test.sh -h lists the stages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The tests must pass with the Go that is installed, not with a newer one.
export GOTOOLCHAIN=local

FUZZTIME=${FUZZTIME:-5s}
stages="lint build unit race fuzz nested cross"

# Where goroutines meet; folders that do not exist yet are left out.
racy=". middleware runtime takotest internal/http1 internal/netpoll internal/runtimetest internal/soak examples"

usage() {
	cat <<-EOF
		usage: ./test.sh [stage...]

		Without a stage it runs all, in this order:
		  lint    gofmt and go vet
		  build   every package of the root module
		  unit    the tests, the seeds of the fuzz targets included
		  race    the race detector on the packages where goroutines meet (needs a C compiler)
		  fuzz    every fuzz target for FUZZTIME ($FUZZTIME)
		  nested  build, vet and tests of the modules below the root
		  cross   go vet for the other systems

		Missing tools are installed when that is possible (root and apt-get). What
		cannot run is skipped and named at the end; with CI=true it is a failure.
	EOF
}

ran=
stage=
scratch=$(mktemp -d)
skips=$scratch/skips
touch "$skips"

finish() {
	local code=$?
	[ -s "$skips" ] && printf '\n' && sed 's/^/!! SKIPPED /' "$skips"
	local skipped=none
	[ -s "$skips" ] && skipped=$(cut -d: -f1 "$skips" | paste -sd, - | sed 's/,/, /g')
	local end="ok"
	[ "$code" -ne 0 ] && end="FAILED in ${stage:-setup}"
	rm -rf "$scratch"
	printf '\ntest.sh: %s after %d s; ran: %s; skipped: %s\n' "$end" "$SECONDS" "${ran:-nothing}" "$skipped"
	exit "$code"
}
trap finish EXIT

die() {
	printf 'test.sh: %s\n' "$1" >&2
	exit 1
}

# skip NAME REASON
skip() {
	[ "${CI:-}" = true ] && die "$1 cannot run: $2"
	printf '%s: %s\n' "$1" "$2" >>"$skips"
	printf '!! SKIPPED %s: %s\n' "$1" "$2"
}

# run STAGE HEADLINE
run() {
	stage=$1
	local began=$SECONDS
	printf '\n== %s: %s\n' "$1" "$2"
	"stage_$1"
	grep -q "^$1:" "$skips" || ran="${ran:+$ran, }$1"
	printf -- '-- %s took %d s\n' "$1" $((SECONDS - began))
	stage=
}

wants() { [[ " $stages " == *" $1 "* ]]; }

has_cc() {
	printf '#include <stdlib.h>\nint main(void) { return 0; }\n' |
		"$(go env CC)" -x c -o "$scratch/cc" - 2>/dev/null
}

has_curl() { command -v curl >/dev/null; }

stage_tools() {
	command -v go >/dev/null || die "Go 1.26 or newer is needed, see https://go.dev/dl/"
	go version
	local version minor
	version=$(go env GOVERSION)
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	[[ $version != go1.* || ${minor:-0} -ge 26 ]] || die "Go 1.26 or newer is needed, this is $version"

	local missing=
	if wants race && ! has_cc; then missing="gcc libc6-dev"; fi
	if wants unit && ! has_curl; then missing="$missing curl"; fi
	if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		# shellcheck disable=SC2086 # a list of packages
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing; } ||
			printf 'apt-get could not install %s\n' "$missing"
	fi
	if wants race && ! has_cc; then
		skip race "the race detector needs a C compiler; on Debian: apt-get install gcc libc6-dev"
	fi
	if wants unit && ! has_curl; then
		skip curl "tests that ask a server through curl skip themselves; on Debian: apt-get install curl"
	fi
}

stage_lint() {
	local files
	files=$("$(go env GOROOT)/bin/gofmt" -l .)
	[ -z "$files" ] || die "gofmt would change:"$'\n'"$files"
	go vet ./...
}

stage_build() { go build -buildvcs=false -o /dev/null ./...; }

stage_unit() { go test -timeout 10m ./...; }

stage_race() {
	grep -q '^race:' "$skips" && return
	local folder packages=
	for folder in $racy; do
		[ -d "$folder" ] || continue
		[ "$folder" = . ] && packages="." || packages="$packages ./$folder/..."
	done
	# shellcheck disable=SC2086 # a list of packages
	CGO_ENABLED=1 go test -race -timeout 15m $packages
}

stage_fuzz() {
	local cache packages package folder target
	cache=$(go env GOCACHE)/fuzz
	packages=$(go list -f '{{.ImportPath}} {{.Dir}}' ./...)
	while read -r package folder <&3; do
		grep -qsE '^func Fuzz' "$folder"/*_test.go || continue
		# One instrumented binary serves all targets of a package.
		go test -c -fuzz=Fuzz -o "$scratch/fuzz.test" "$package"
		for target in $(cd "$folder" && "$scratch/fuzz.test" -test.list '^Fuzz'); do
			printf '%s %s\n' "$package" "$target"
			fuzz_target "$folder" "$target" "$cache/$package"
		done
	done 3<<<"$packages"
}

# fuzz_target FOLDER TARGET CACHE
fuzz_target() {
	local log=$scratch/fuzz.log
	for _ in 1 2; do
		if (cd "$1" && "$scratch/fuzz.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$FUZZTIME" \
			-test.fuzzminimizetime 1s -test.parallel 2 -test.fuzzcachedir "$3" -test.paniconexit0) 2>&1 | tee "$log"; then
			return
		fi
		# Before Go 1.27 a run may fail in its last moment with nothing found (go.dev/issue/75804).
		grep -q 'context deadline exceeded' "$log" || return 1
		grep -qE 'Failing input|panic' "$log" && return 1
	done
	return 1
}

stage_nested() {
	local mods mod folder
	mods=$(find . -mindepth 1 \( -name '.*' -o -name '_*' -o -name testdata -o -name target -o -name node_modules \) -prune -o -name go.mod -print)
	for mod in $mods; do
		folder=$(dirname "$mod")
		[ "$folder" != . ] || continue
		printf '%s\n' "$folder"
		(cd "$folder" && go build -buildvcs=false -o /dev/null ./... && go vet ./... && go test -timeout 10m ./...)
	done
}

stage_cross() {
	local target
	for target in darwin/arm64 windows/amd64 freebsd/amd64 linux/arm64; do
		printf '%s\n' "$target"
		CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go vet ./...
	done
}

headline() {
	case $1 in
	lint) echo "gofmt and go vet" ;;
	build) echo "every package" ;;
	unit) echo "go test" ;;
	race) echo "the race detector" ;;
	fuzz) echo "$FUZZTIME of each fuzz target" ;;
	nested) echo "the modules below the root" ;;
	cross) echo "go vet for other systems" ;;
	esac
}

for name in "$@"; do
	case $name in
	-h | --help)
		trap 'rm -rf "$scratch"' EXIT
		usage
		exit
		;;
	*) wants "$name" || die "no stage $name; ./test.sh -h lists them" ;;
	esac
done
[ $# -eq 0 ] || stages=$*

run tools "what the stages need"
for name in $stages; do
	run "$name" "$(headline "$name")"
done
