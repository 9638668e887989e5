package report

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is what figures are worthless without.
type Machine struct {
	Cores  int    `json:"cores"`
	Model  string `json:"model"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Arch   string `json:"arch"`
	// Load is how busy the machine was in the minute before.
	Load string `json:"load_1m"`
}

// ThisMachine describes where the program runs, now.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Arch: runtime.GOARCH}
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo")
	m.Model = cpuModel(string(cpuinfo))
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	m.Kernel = string(bytes.TrimSpace(kernel))
	load, _ := os.ReadFile("/proc/loadavg")
	m.Load, _, _ = strings.Cut(string(load), " ")
	return m
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// String is one line for the head of a report.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores (%s, %s), Linux %s, load %s", m.Cores, m.Model, m.Arch, m.Kernel, m.Load)
}
