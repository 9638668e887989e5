#!/usr/bin/env bash
# Runs tests while system calls return late, at random: what one side must do before the other
# side learns of something then shows when it is done after. "go test" gets the arguments.
#
#	./late.sh ./stream/... -run Drain -count 20
#
# SEED=n makes other choices, and builds all packages anew. Linux only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

[ "$(go env GOOS)" = linux ] || { echo "late.sh: needs Linux" >&2; exit 1; }
SEED=${SEED:-1}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
calls=$(go env GOROOT)/src/syscall/syscall_linux.go

# A delay follows the call, so that the other side runs ahead: up to 8 ms after one in 16 that
# send, seldom 40 ms, up to 5 ms after one in 32 that receive. After many of them there are fewer,
# for tests that make millions of calls.
awk -v seed="$SEED" '
	/^func RawSyscall6\(/ { in_call = 1 }
	in_call && $1 == "return" {
		print "\tif errno == 0 {\n\t\tdelay(trap)\n\t}"
		in_call = 0
		changed = 1
	}
	{ print }
	END {
		if (!changed) exit 1
		print "\nvar delays = struct{ state, count uint64 }{state: " seed "}\n"
		print "//go:nosplit\n//go:norace"
		print "func delay(trap uintptr) {"
		print "\tdelays.state = delays.state*6364136223846793005 + 1442695040888963407"
		print "\tx, ns := delays.state>>33, uint64(0)"
		print "\tswitch trap {"
		print "\tcase SYS_WRITE, SYS_WRITEV, SYS_SENDTO, SYS_SENDMSG, SYS_SENDFILE, SYS_SHUTDOWN, SYS_CLOSE, 307, 426, 269: // and sendmmsg, io_uring_enter"
		print "\t\tif x%16 == 0 {\n\t\t\tns = 300_000 + x>>4%8_000_000\n\t\t} else if x%1024 == 1 {\n\t\t\tns = 40_000_000\n\t\t}"
		print "\tcase SYS_READ, SYS_READV, SYS_RECVFROM, SYS_RECVMSG, SYS_ACCEPT4, SYS_CONNECT, SYS_RECVMMSG:"
		print "\t\tif x%32 == 0 {\n\t\t\tns = 200_000 + x>>5%5_000_000\n\t\t}"
		print "\t}"
		print "\tif ns == 0 {\n\t\treturn\n\t}"
		print "\tif delays.count++; delays.count > 15_000 && delays.count%16 != 0 {\n\t\treturn\n\t}"
		print "\tfor_ := [2]uint64{0, ns}"
		print "\tlinux.Syscall6(SYS_NANOSLEEP, uintptr(unsafe.Pointer(&for_)), 0, 0, 0, 0, 0)"
		print "}"
	}' "$calls" >"$scratch/syscall_linux.go" || { echo "late.sh: does not know this Go's $calls" >&2; exit 1; }
printf '{"Replace": {"%s": "%s"}}\n' "$calls" "$scratch/syscall_linux.go" >"$scratch/overlay.json"

go test -overlay "$scratch/overlay.json" "$@"
