package main

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/tako-go/tako/bench/internal/wire"
)

// h2loadOutput is what one run of h2load -D printed.
type h2loadOutput struct {
	counts
	// Failed and Errored requests got no answer, Refused ones none with 2xx.
	Failed, Errored, Timeout, Refused int64
	// Protocol is h2 or h2c. TLS and Cipher are empty in clear text.
	Protocol, TLS, Cipher string
}

func parseH2load(text string) (h2loadOutput, error) {
	var out h2loadOutput
	for line := range strings.Lines(text) {
		if err := out.parseLine(strings.TrimSpace(line)); err != nil {
			return out, fmt.Errorf("h2load printed %q: %w", strings.TrimSpace(line), err)
		}
	}
	if out.Requests == 0 || out.PerSecond == 0 {
		return out, fmt.Errorf("h2load counted no requests:\n%s", text)
	}
	return out, nil
}

func (out *h2loadOutput) parseLine(line string) (err error) {
	first, rest, _ := strings.Cut(line, ": ")
	switch {
	case strings.HasPrefix(line, "finished in "):
		_, rest, _ = strings.Cut(line, ", ")
		_, err = fmt.Sscanf(rest, "%g req/s", &out.PerSecond)
	case first == "requests":
		var total, started, done int64
		_, err = fmt.Sscanf(rest, "%d total, %d started, %d done, %d succeeded, %d failed, %d errored, %d timeout",
			&total, &started, &done, &out.Requests, &out.Failed, &out.Errored, &out.Timeout)
	case first == "status codes":
		var good, other, client, server int64
		_, err = fmt.Sscanf(rest, "%d 2xx, %d 3xx, %d 4xx, %d 5xx", &good, &other, &client, &server)
		out.Refused = other + client + server
	case first == "Application protocol":
		out.Protocol = rest
	case first == "TLS Protocol":
		out.TLS = rest
	case first == "Cipher":
		out.Cipher = rest
	}
	return err
}

// clean reports answers that were not worth counting.
func (out h2loadOutput) clean(p wire.Protocol) error {
	if bad := out.Failed + out.Errored + out.Timeout; bad > 0 {
		return fmt.Errorf("h2load reports %d failed, %d errored, %d timeout", out.Failed, out.Errored, out.Timeout)
	}
	if out.Refused > 0 {
		return fmt.Errorf("%d of %d answers were not 2xx", out.Refused, out.Requests)
	}
	want := h2loadOutput{Protocol: "h2c"}
	if p.Secure() {
		want = h2loadOutput{Protocol: "h2", TLS: "TLSv1.3", Cipher: tls.CipherSuiteName(wire.Cipher)}
	}
	if out.Protocol != want.Protocol || out.TLS != want.TLS || out.Cipher != want.Cipher {
		return fmt.Errorf("h2load spoke %s %s %s, not %s %s %s", out.Protocol, out.TLS, out.Cipher, want.Protocol, want.TLS, want.Cipher)
	}
	return nil
}
