//go:build unix

package tako

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The descriptors of a child.
const (
	noticeFD = 3 + iota // the child writes a notice to it
	lifeFD              // ends when the parent does
	socketFD            // the first listening socket
)

// family tells a child who its parent is and how many sockets each server gets,
// as in "4711:1,2".
type family struct {
	parent int
	counts []int
}

func (f family) String() string {
	counts := make([]string, len(f.counts))
	for i, n := range f.counts {
		counts[i] = strconv.Itoa(n)
	}
	return strconv.Itoa(f.parent) + ":" + strings.Join(counts, ",")
}

func parseFamily(text string) (f family, err error) {
	parent, counts, _ := strings.Cut(text, ":")
	if f.parent, err = strconv.Atoi(parent); err != nil {
		return f, fmt.Errorf("tako: parse %s=%q: %w", preforkEnv, text, err)
	}
	for part := range strings.SplitSeq(counts, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 1<<20 {
			return f, fmt.Errorf("tako: parse %s=%q: not a number of sockets: %q", preforkEnv, text, part)
		}
		f.counts = append(f.counts, n)
	}
	return f, nil
}

// notice is what a child tells its parent, a line of JSON each: that it is up,
// and when Run has ended what became of its connections.
type notice struct {
	Up     bool    `json:"up,omitempty"`
	Report *Report `json:"report,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// environ is what children start with.
func (f family) environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, preforkEnv+"=") })
	return append(env, preforkEnv+"="+f.String())
}
