// Package proc reads what processes and the machine use, from Linux's /proc.
package proc
