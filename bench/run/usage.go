package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// usage is the CPU time of a process and its descendants at one moment, and of
// the whole machine.
type usage struct {
	user, system time.Duration
	machine      time.Duration
}

func (u usage) since(before usage) usage {
	return usage{u.user - before.user, u.system - before.system, u.machine - before.machine}
}

func readUsage(pid int) (usage, error) {
	tree, err := readTree(pid)
	if err != nil {
		return usage{}, err
	}
	var u usage
	for _, stat := range tree {
		u.user += stat.user + stat.childUser
		u.system += stat.system + stat.childSystem
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return usage{}, err
	}
	u.machine, err = parseBusy(string(text))
	return u, err
}

// readPeak sums the largest resident sizes of the process and its live
// descendants.
func readPeak(pid int) (int64, error) {
	tree, err := readTree(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for id := range tree {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if err != nil {
			return 0, err
		}
		peak, err := parsePeak(string(text))
		if err != nil {
			return 0, err
		}
		sum += peak
	}
	return sum, nil
}

// readTree returns the process and its live descendants.
func readTree(root int) (map[int]procStat, error) {
	all, err := readAll()
	if err != nil {
		return nil, err
	}
	if _, ok := all[root]; !ok {
		return nil, fmt.Errorf("process %d ended", root)
	}
	return descendants(all, root), nil
}

func readAll() (map[int]procStat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int]procStat)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		if all[pid], err = parseProcStat(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func descendants(all map[int]procStat, root int) map[int]procStat {
	tree := map[int]procStat{root: all[root]}
	for grown := true; grown; {
		grown = false
		for pid, stat := range all {
			_, known := tree[pid]
			if _, ours := tree[stat.parent]; ours && !known {
				tree[pid] = stat
				grown = true
			}
		}
	}
	return tree
}
