// Package rawfile has open files of which only the descriptor is known, where an *os.File
// would cost more system calls than sending the file does.
package rawfile

// Sender is an exchange that has the kernel copy files.
type Sender interface {
	// SendFile writes n bytes of f from the offset at on to the body, fewer if the file has
	// become shorter. f stays the caller's.
	SendFile(f *File, at, n int64) (int64, error)
}
