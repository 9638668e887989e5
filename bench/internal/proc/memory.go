package proc

import (
	"fmt"
	"os"
)

// Memory is what a process and its live descendants hold, in bytes.
type Memory struct {
	// RSS counts every resident page, PSS shared ones in equal parts.
	RSS, PSS int64
	// Anonymous is RSS less the pages of files: heap and stacks.
	Anonymous int64
}

// Since is what was added after before was read.
func (m Memory) Since(before Memory) Memory {
	return Memory{m.RSS - before.RSS, m.PSS - before.PSS, m.Anonymous - before.Anonymous}
}

// ReadMemory reads /proc/PID/smaps_rollup, which takes the kernel some
// milliseconds for a large process.
func ReadMemory(pid int) (m Memory, err error) {
	err = eachText(pid, "smaps_rollup", func(text string) error {
		return addFields(text, map[string]*int64{"Rss": &m.RSS, "Pss": &m.PSS, "Anonymous": &m.Anonymous})
	})
	return m, err
}

// ReadPeak sums the largest resident sizes, since the start or ResetPeak.
func ReadPeak(pid int) (peak int64, err error) {
	err = eachText(pid, "status", func(text string) error {
		return addFields(text, map[string]*int64{"VmHWM": &peak})
	})
	return peak, err
}

// ReadRSS is cheap enough for sampling. The kernel keeps this count per
// processor and may be some hundred KiB off.
func ReadRSS(pid int) (rss int64, err error) {
	err = eachText(pid, "status", func(text string) error {
		return addFields(text, map[string]*int64{"VmRSS": &rss})
	})
	return rss, err
}

// ResetPeak makes the present resident size the largest so far.
func ResetPeak(pid int) error {
	tree, err := readTree(pid)
	if err != nil {
		return err
	}
	for id := range tree {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", id), []byte("5"), 0); err != nil {
			return fmt.Errorf("reset the memory peak: %w", err)
		}
	}
	return nil
}

func eachText(root int, file string, use func(text string) error) error {
	tree, err := readTree(root)
	if err != nil {
		return err
	}
	for id := range tree {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", id, file))
		if err != nil {
			return err
		}
		if err := use(string(text)); err != nil {
			return err
		}
	}
	return nil
}

func addFields(text string, fields map[string]*int64) error {
	for name, sum := range fields {
		n, err := parseField(text, name)
		if err != nil {
			return err
		}
		*sum += n
	}
	return nil
}
