//go:build !linux

package tako

// reloading is what a service manager is told when a reload begins.
func reloading() string { return "RELOADING=1" }
