package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Usage is the CPU time of a process and its descendants at one moment, and of
// the whole machine.
type Usage struct {
	User, System time.Duration
	Machine      time.Duration
}

// Since is what was used after before was read.
func (u Usage) Since(before Usage) Usage {
	return Usage{u.User - before.User, u.System - before.System, u.Machine - before.Machine}
}

// CPU is the time of the process alone.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// ReadUsage reads what the process and its descendants have used so far.
func ReadUsage(pid int) (Usage, error) {
	tree, err := readTree(pid)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, s := range tree {
		u.User += s.user + s.childUser
		u.System += s.system + s.childSystem
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Usage{}, err
	}
	u.Machine, err = parseBusy(string(text))
	return u, err
}

// readTree returns the process and its live descendants.
func readTree(root int) (map[int]stat, error) {
	all, err := readAll()
	if err != nil {
		return nil, err
	}
	if _, ok := all[root]; !ok {
		return nil, fmt.Errorf("process %d ended", root)
	}
	return descendants(all, root), nil
}

func readAll() (map[int]stat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if all[pid], err = parseStat(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func descendants(all map[int]stat, root int) map[int]stat {
	tree := map[int]stat{root: all[root]}
	for grown := true; grown; {
		grown = false
		for pid, s := range all {
			_, known := tree[pid]
			if _, ours := tree[s.parent]; ours && !known {
				tree[pid] = s
				grown = true
			}
		}
	}
	return tree
}
