//go:build !linux

package rawfile

import "os"

// File is an open regular file. Here it is always an [os.File].
type File struct{ *os.File }

// OS returns the file for who needs an [os.File]. It is closed with f.
func (f *File) OS() *os.File { return f.File }
