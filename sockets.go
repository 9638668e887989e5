package tako

import "os"

// A SocketOwner is a [Server] whose listening sockets other processes can share
// or take over, as [Prefork] needs it. Both methods may be called concurrently
// with all others.
//
// Whoever shares a socket has one accept queue with the others, and the same
// file flags. So a server must only close it, never shut it down as shutdown(2)
// does, and leave it non-blocking.
type SocketOwner interface {
	// Sockets returns a duplicate of each listening socket, closed on exec and
	// such that their Fd does not make them blocking. It is called between
	// Listen and Shutdown; the caller closes the files. The name of a file that begins with
	// "passed " says that the file of its Unix socket is a service manager's, and stays.
	Sockets() ([]*os.File, error)
	// Inherit makes Listen use these sockets and bind nothing. Each of them is
	// served, however many the server would have made itself. Unless the name of the file
	// begins with "passed ", who closes a Unix socket last removes its file. It is called once,
	// before Listen, and takes the files over: also if it fails they are closed.
	Inherit(sockets []*os.File) error
}
