//go:build !linux

package extract

import (
	"errors"
	"os"
)

// nameless is nil: only Linux can name such a file later.
func nameless(string) *os.File { return nil }

func linkNameless(*os.File, string) error { return errors.ErrUnsupported }
