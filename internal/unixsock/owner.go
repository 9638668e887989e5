//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package unixsock

import (
	"fmt"
	"os/user"
	"strconv"
)

// owners returns the ids for chown, -1 for what stays as it is.
func owners(cfg Config) (uid, gid int, err error) {
	uid, err = id(cfg.Owner, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", fmt.Errorf("owner: %w", err)
		}
		return u.Uid, nil
	})
	if err != nil {
		return -1, -1, err
	}
	gid, err = id(cfg.Group, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", fmt.Errorf("group: %w", err)
		}
		return g.Gid, nil
	})
	return uid, gid, err
}

func id(text string, lookup func(string) (string, error)) (int, error) {
	if text == "" {
		return -1, nil
	}
	if n, ok := number(text); ok {
		return n, nil
	}
	found, err := lookup(text)
	if err != nil {
		return -1, err
	}
	n, ok := number(found)
	if !ok {
		return -1, fmt.Errorf("%s has the id %q, which is no number", text, found)
	}
	return n, nil
}

// number parses an id. The highest one means "unchanged" to chown.
func number(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 1<<32-1 {
		return -1, false
	}
	return int(n), true
}
