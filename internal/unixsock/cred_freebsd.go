package unixsock

import "golang.org/x/sys/unix"

// solLocal is SOL_LOCAL, the level of LOCAL_PEERCRED.
const solLocal = 0

// Cred tells whose process had connected the other end of a Unix socket, as it was then. The
// pid is 0: it is not told. It is false for other sockets, and on systems that do not tell.
func Cred(fd int) (pid, uid, gid int, ok bool) {
	cred, err := unix.GetsockoptXucred(fd, solLocal, unix.LOCAL_PEERCRED)
	if err != nil || cred.Ngroups < 1 {
		return 0, 0, 0, false
	}
	return 0, int(cred.Uid), int(cred.Groups[0]), true
}
