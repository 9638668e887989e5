package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/PID/stat and /proc/stat. The kernel fixes USER_HZ at
// 100 on every architecture Go supports.
const tick = time.Second / 100

// stat is the part of /proc/PID/stat that is measured, and the parent that
// makes a tree of processes.
type stat struct {
	parent       int
	user, system time.Duration
	// Of children that ended and were waited for.
	childUser, childSystem time.Duration
}

// parseStat reads /proc/PID/stat; see proc_pid_stat(5). The name in
// parentheses may itself hold blanks and parentheses.
func parseStat(text []byte) (stat, error) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, errors.New("process stat has no name")
	}
	// fields[0] is field 3 of the manual page, the state.
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("process stat has %d fields", len(fields))
	}
	var n [5]int64
	for i, field := range []int{1, 11, 12, 13, 14} {
		var err error
		if n[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return stat{}, fmt.Errorf("process stat: %w", err)
		}
	}
	ticks := func(n int64) time.Duration { return time.Duration(n) * tick }
	return stat{
		parent: int(n[0]),
		user:   ticks(n[1]), system: ticks(n[2]),
		childUser: ticks(n[3]), childSystem: ticks(n[4]),
	}, nil
}

// parseBusy sums the time that all processors were busy out of /proc/stat. Time
// stolen by the hypervisor is nobody's work here, and guest time is already part
// of user time.
func parseBusy(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, fmt.Errorf("machine stat starts with %q", line)
	}
	var sum int64
	// user nice system idle iowait irq softirq
	for _, i := range []int{1, 2, 3, 6, 7} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("machine stat: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// parseField reads one size in bytes out of the text of /proc/PID/status or
// smaps_rollup, such as "VmHWM:   1024 kB".
func parseField(text, field string) (int64, error) {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(line, field+":")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("process %s: %w", field, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("process has no %s", field)
}
