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

// family tells a child who its parent is and how many sockets each server gets, and whether
// files of Unix sockets are not its to remove, as in "4711:1,2p".
type family struct {
	parent int
	counts []int
	passed map[int]bool // by server
}

func (f family) String() string {
	counts := make([]string, len(f.counts))
	for i, n := range f.counts {
		counts[i] = strconv.Itoa(n)
		if f.passed[i] {
			counts[i] += "p"
		}
	}
	return strconv.Itoa(f.parent) + ":" + strings.Join(counts, ",")
}

func parseFamily(variable, text string) (f family, err error) {
	parent, counts, _ := strings.Cut(text, ":")
	if f.parent, err = strconv.Atoi(parent); err != nil {
		return f, fmt.Errorf("tako: parse %s=%q: %w", variable, text, err)
	}
	for part := range strings.SplitSeq(counts, ",") {
		number, passed := strings.CutSuffix(part, "p")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 1<<20 {
			return f, fmt.Errorf("tako: parse %s=%q: not a number of sockets: %q", variable, text, part)
		}
		if passed {
			f.pass(len(f.counts))
		}
		f.counts = append(f.counts, n)
	}
	return f, nil
}

// pass notes that the files of a server's Unix sockets are not the child's.
func (f *family) pass(server int) {
	if f.passed == nil {
		f.passed = map[int]bool{}
	}
	f.passed[server] = true
}

// foreign begins the name of a socket whose file is not ours, see [SocketOwner].
const foreign = "passed "

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
