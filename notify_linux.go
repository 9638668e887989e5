package tako

import (
	"strconv"
	"syscall"
	"unsafe"
)

// reloading is what the service manager is told when a reload begins: with the time, by
// which it tells this one from others.
func reloading() string {
	const monotonic = 1
	var now syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, monotonic, uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		return "RELOADING=1"
	}
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10)
}
