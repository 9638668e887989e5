#!/usr/bin/env bash
# The one command that runs the tests; ./test.sh -h lists the stages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The tests must pass with the Go that is installed, not with a newer one.
export GOTOOLCHAIN=local

FUZZTIME=${FUZZTIME:-5s}
# The release that conformance/h2spec_test.go counts the cases of.
H2SPEC=github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible
stages="lint build unit race fuzz nested conformance cross"

# Where goroutines meet; folders that do not exist yet are left out. Most examples only call what is in them.
racy="runtime transport . auth extract middleware static stream takotest internal/handshake internal/http1 internal/http2serve internal/netpoll internal/proxyproto internal/runtimetest internal/schema internal/soak internal/unixsock examples/octopus examples/chat examples/state examples/upload-progress"

usage() {
	cat <<-EOF
		usage: ./test.sh [stage...]

		Without a stage it runs all, in this order:
		  lint         gofmt and go vet
		  build        every package of the root module
		  unit         the tests, the seeds of the fuzz targets included
		  race         the race detector on the packages where goroutines meet (needs a C compiler)
		  fuzz         every fuzz target for FUZZTIME ($FUZZTIME)
		  nested       build, vet and tests of the modules below the root
		  conformance  public suites and clients against the servers; all of it with LONG=true
		  cross        go vet or go build for the other systems

		A test that fails in unit, race or conformance is run three times more by itself; if it
		passes each time it is named at the end as unsteady, which is a bug too. Data races,
		panics and timeouts have no second chance.

		Missing tools are installed when that is possible (root and apt-get). What
		cannot run is skipped and named at the end; with CI=true it is a failure.
	EOF
}

ran=
stage=
scratch=$(mktemp -d)
skips=$scratch/skips
unsteady=$scratch/unsteady
touch "$skips" "$unsteady"

finish() {
	local code=$?
	[ -s "$skips" ] && printf '\n' && sed 's/^/!! SKIPPED /' "$skips"
	local skipped=none
	[ -s "$skips" ] && skipped=$(cut -d: -f1 "$skips" | paste -sd, - | sed 's/,/, /g')
	[ -s "$unsteady" ] && printf '\n' && sed 's/^/!! UNSTEADY /' "$unsteady"
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

# peers lists what conformance needs and is not there, as packages of Debian.
peers() {
	local pair
	for pair in curl:curl nghttp:nghttp2-client chromium:chromium testssl:testssl.sh openssl:openssl \
		haproxy:haproxy nginx:nginx socat:socat gtlsclient:ngtcp2-client systemd-socket-activate:systemd; do
		PATH=$PATH:/usr/sbin command -v "${pair%%:*}" >/dev/null || printf ' %s' "${pair#*:}"
	done
	[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || printf ' libnginx-mod-stream'
}

has_h2spec() { PATH=$PATH:$(go env GOPATH)/bin command -v h2spec >/dev/null; }

# thrice COMMAND...: networks fail at times.
thrice() { "$@" || "$@" || "$@"; }

# steady PACKAGES...: go test with flags, and again what has failed.
steady() {
	local log=$scratch/steady package names
	go test "${flags[@]}" "$@" "${extra[@]}" 2>&1 | tee "$log" && return
	grep -qE 'DATA RACE|^panic: |^fatal error: |\[(build|setup) failed\]' "$log" && return 1
	# The tests of a package that failed are before its line.
	awk '/^--- FAIL: / { names = names (names ? "|" : "") $3 }
		/^FAIL\t/ { print $2, names ? names : "-"; names = "" }' "$log" >"$log.failed"
	[ -s "$log.failed" ] || return 1
	while read -r package names <&3; do
		[ "$names" != - ] || return 1
		printf '!! again, alone: %s in %s\n' "$names" "$package"
		go test "${flags[@]}" -count 3 -run "^($names)\$" "$package" "${extra[@]}" || return 1
		printf '%s: %s\n' "$package" "$names" >>"$unsteady"
	done 3<"$log.failed"
}

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
	if wants conformance; then
		missing="$missing$(peers)"
		has_h2spec || thrice go install "$H2SPEC" || printf 'go could not install h2spec\n'
	fi
	if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		# With this runlevel the services among them are not started.
		# shellcheck disable=SC2086 # a list of packages
		{ thrice apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive thrice apt-get install -qq -y --no-install-recommends $missing; } ||
			printf 'apt-get could not install %s\n' "$missing"
	fi
	if wants race && ! has_cc; then
		skip race "the race detector needs a C compiler; on Debian: apt-get install gcc libc6-dev"
	fi
	if wants unit && ! has_curl; then
		skip curl "tests that ask a server through curl skip themselves; on Debian: apt-get install curl"
	fi
	if wants conformance && [ -n "$(peers)" ]; then
		skip peers "tests that need them skip themselves; on Debian: apt-get install$(peers)"
	fi
	if wants conformance && ! ./conformance/tools/install.sh; then
		skip linters "tests of OpenAPI documents skip themselves; see conformance/tools/install.sh"
	fi
	if wants conformance && ! ./conformance/wstools/install.sh; then
		printf 'tests of WebSocket with peers that are missing skip themselves, or fail if CI is set; see conformance/wstools/install.sh\n'
	fi
	if wants conformance && ! has_h2spec; then
		skip h2spec "tests that need it skip themselves; go install $H2SPEC"
	fi
}

stage_lint() {
	local files
	files=$("$(go env GOROOT)/bin/gofmt" -l .)
	[ -z "$files" ] || die "gofmt would change:"$'\n'"$files"
	go vet ./...
}

stage_build() { go build -buildvcs=false -o /dev/null ./...; }

# Many tests wait, so more packages than processors.
# What takes longest begins first.
stage_unit() {
	local flags=(-p 3 -timeout 10m) extra=()
	steady ./runtime/... ./transport/... ./...
}

stage_race() {
	grep -q '^race:' "$skips" && return
	local folder packages=
	for folder in $racy; do
		[ -d "$folder" ] || continue
		[ "$folder" = . ] && packages="$packages ." || packages="$packages ./$folder/..."
	done
	# The unit stage has run what -short leaves out: what is long, and goroutines meet elsewhere too.
	local flags=(-race -short -timeout 15m) extra=()
	# shellcheck disable=SC2086 # a list of packages
	CGO_ENABLED=1 steady $packages
}

# Three packages at a time, each with one process that tries and one that leads.
stage_fuzz() {
	export scratch FUZZTIME
	export -f fuzz_package fuzz_target
	FUZZCACHE=$(go env GOCACHE)/fuzz
	export FUZZCACHE
	go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r package folder; do
		if grep -qsE '^func Fuzz' "$folder"/*_test.go; then printf '%s %s\n' "$package" "$folder"; fi
	done | xargs -P 3 -n 2 bash -euo pipefail -c 'fuzz_package "$@"' fuzz
}

# fuzz_package PACKAGE FOLDER
fuzz_package() {
	local binary target
	# One instrumented binary serves all targets of a package.
	binary=$(mktemp -d "$scratch/fuzz.XXXXXX")
	go test -c -fuzz=Fuzz -o "$binary/fuzz.test" "$1"
	for target in $(cd "$2" && "$binary/fuzz.test" -test.list '^Fuzz'); do
		fuzz_target "$2" "$target" "$FUZZCACHE/$1" "$binary" >"$binary/out" 2>&1 || {
			printf '%s %s\n' "$1" "$target"
			cat "$binary/out"
			return 255 # ends xargs
		}
		printf '%s %s\n' "$1" "$target"
		tail -n 2 "$binary/out"
	done
}

# fuzz_target FOLDER TARGET CACHE SCRATCH
fuzz_target() {
	local log=$4/log
	for _ in 1 2; do
		if (cd "$1" && "$4/fuzz.test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$FUZZTIME" \
			-test.fuzzminimizetime 1s -test.parallel 1 -test.fuzzcachedir "$3" -test.paniconexit0) 2>&1 | tee "$log"; then
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
		(cd "$folder" && go build -buildvcs=false -o /dev/null ./... && go vet ./...)
		[ "$folder" = ./conformance ] || (cd "$folder" && go test -timeout 10m ./...) # has a stage of its own
	done
}

stage_conformance() {
	local flags=(-count 1 -timeout 20m) extra=(-args -long="${LONG:-false}")
	(cd conformance && steady ./...)
}

# The tests of two are compiled too; for the others what users build will do.
stage_cross() {
	local target verb
	for target in darwin/arm64 windows/amd64 freebsd/amd64 linux/arm64; do
		printf '%s\n' "$target"
		case $target in
		darwin/* | windows/*) verb="vet" ;;
		*) verb="build" ;;
		esac
		CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go $verb ./...
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
	conformance) echo "public suites and clients" ;;
	cross) echo "go vet or go build for other systems" ;;
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
