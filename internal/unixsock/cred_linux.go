package unixsock

import "golang.org/x/sys/unix"

// Cred tells whose process had connected the other end of a Unix socket, as it was then. The
// pid is 0 if that is in a namespace that cannot be seen from here, or not told by the
// system. It is false for other sockets, and on systems that do not tell.
func Cred(fd int) (pid, uid, gid int, ok bool) {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX { // others answer too, with nobody
		return 0, 0, 0, false
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || cred.Uid == 1<<32-1 {
		return 0, 0, 0, false
	}
	return int(cred.Pid), int(cred.Uid), int(cred.Gid), true
}
