package extract

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// Numbers of Linux that package syscall leaves out.
const (
	openTemporary = 0o20000000 | syscall.O_DIRECTORY // O_TMPFILE
	workingFolder = -0x64                            // AT_FDCWD
	followLinks   = 0x400                            // AT_SYMLINK_FOLLOW
)

// nameless opens a file without a name in dir, nil where that cannot be done.
func nameless(dir string) *os.File {
	f, err := os.OpenFile(dir, os.O_RDWR|openTemporary, 0o600)
	if err != nil {
		return nil
	}
	return f
}

// linkNameless gives a file of nameless a name, by the way open(2) shows.
func linkNameless(f *os.File, path string) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	to, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		from, _ := syscall.BytePtrFromString("/proc/self/fd/" + strconv.Itoa(int(fd))) // has no NUL
		cwd := workingFolder
		_, _, errno = syscall.Syscall6(syscall.SYS_LINKAT, uintptr(cwd), uintptr(unsafe.Pointer(from)),
			uintptr(cwd), uintptr(unsafe.Pointer(to)), followLinks, 0)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return err
}
