//go:build !race

package soak

// raced says that the detector of races is at work, which keeps memory of its own.
const raced = false
