package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

func findH2load() (string, error) {
	path, err := exec.LookPath("h2load")
	if err != nil {
		return "", errors.New("h2load not found; install it with apt install nghttp2-client, dnf install nghttp2 or brew install nghttp2")
	}
	return path, nil
}

// h2load is the call as one would type it, less the address.
func (l load) h2load(conns, streams int) []string {
	return []string{
		"-t" + strconv.Itoa(min(l.Threads, conns)),
		"-c" + strconv.Itoa(conns),
		"-m" + strconv.Itoa(streams),
		fmt.Sprintf("-D%d", l.Duration/time.Second),
	}
}

// runH2load counts answers. Percentiles would need a file with a line for each.
func (l loader) runH2load(ctx context.Context, addr string, s scenario, load load) (loadResult, error) {
	args := load.h2load(l.conns, s.streams)
	if p := s.loaded; p.body != "" {
		// With a file as its body the request is a POST.
		body := filepath.Join(l.scripts, s.name+".body")
		if err := os.WriteFile(body, []byte(p.body), 0o600); err != nil {
			return loadResult{}, err
		}
		args = append(args, "-d", body, "-H", "content-type: "+p.contentType())
	}
	out, used, err := l.call(ctx, l.h2load, append(args, s.protocol.Scheme()+"://"+addr+s.loaded.target))
	if err != nil {
		return loadResult{}, err
	}
	parsed, err := parseH2load(out)
	if err == nil {
		err = parsed.clean(s.protocol)
	}
	return loadResult{counts: parsed.counts, cpu: used}, err
}
