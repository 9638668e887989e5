package unixsock

import "golang.org/x/sys/unix"

// Cred tells whose process had connected the other end of a Unix socket, as it was then. The
// pid is 0 if it is not known. It is false for other sockets, and on systems that do not
// tell.
func Cred(fd int) (pid, uid, gid int, ok bool) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil || cred.Ngroups < 1 {
		return 0, 0, 0, false
	}
	pid, err = unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		pid = 0
	}
	return pid, int(cred.Uid), int(cred.Groups[0]), true
}
