//go:build unix

package main

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// Every command of the list works as it is printed.
func TestCommandsWork(t *testing.T) {
	o := start(t, settings{listen: everyProtocol + ",tcp+unix://" + shortTemp(t) + "/t,unix://" + shortTemp(t) + "/h", runtime: "std", demo: true, drain: patience})
	tried := 0
	for line := range strings.Lines(o.banner) {
		found := regexp.MustCompile(`^  [a-z0-9+]+://\S+ .*   ((?:curl|printf|echo) .*)\n`).FindStringSubmatch(line)
		if found == nil {
			continue
		}
		tried++
		command := found[1]
		t.Run(command, func(t *testing.T) {
			for _, tool := range []string{"curl", "socat", "openssl"} {
				if _, err := exec.LookPath(tool); err != nil && strings.Contains(command, tool) {
					t.Skip(err)
				}
			}
			if strings.Contains(command, "--http3") && exec.CommandContext(t.Context(), "curl", "--http3-only", "--version").Run() != nil {
				t.Skip("curl has no HTTP/3")
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out, err := exec.CommandContext(ctx, "sh", "-c", command).Output()
			assert.NoError(t, err)
			assert.Contains(t, string(out), "lagoon")
		})
	}
	assert.Equal(t, tried, 8)
	_, err := o.end()
	assert.NoError(t, err)
}
