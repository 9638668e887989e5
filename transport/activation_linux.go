package transport

import "golang.org/x/sys/unix"

// dupOnto is dup2, which some architectures lack.
func dupOnto(from, to int) error { return unix.Dup3(from, to, 0) }
