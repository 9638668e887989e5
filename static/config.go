package static

import (
	"fmt"
	"path"
	"strings"
)

// DotPolicy says whether names with a segment that begins with a dot are served.
type DotPolicy int

const (
	// DotRefuse answers 404 for them, and leaves them out of listings.
	DotRefuse DotPolicy = iota
	// DotWellKnown makes an exception for .well-known at the base (RFC 8615).
	DotWellKnown
	// DotServe serves them as any other.
	DotServe
)

// Config configures what is served, and how. The zero value serves files and the
// index.html of directories.
type Config struct {
	// Index is the name of the file that stands for its directory.
	// Default: "index.html".
	Index string
	// NoIndex makes directories have no such file.
	NoIndex bool
	// List shows directories without an index, at most 10 000 names of each: as a page, or in
	// JSON to clients that like application/json better than text/html.
	List bool
	// Fallback is the name of a file, below the base, that answers where there is
	// none, as single-page applications want it: for requests that accept text/html
	// by name, to a path whose last segment has no dot.
	// Default: "", none.
	Fallback string
	// DotFiles says what is done with names that begin with a dot.
	// Default: DotRefuse.
	DotFiles DotPolicy
	// Precompressed looks for siblings of a file with .br, .zst or .gz behind its
	// name, that are not older than it, and sends the one the client likes best.
	Precompressed bool
	// Cache returns the Cache-Control of a file, whose name is relative to the base;
	// "" for none. See [Rules] and [Hashed].
	// Default: nil, none.
	Cache func(name string) string
	// Types are media types by extension, with its dot and in lower case, before
	// those that are known.
	Types map[string]string
	// Download returns under which name clients save the file; "" to show it.
	// Default: nil, all are shown.
	Download func(name string) string
	// Untrusted is for files that users have brought: browsers run nothing in them
	// (a sandbox by Content-Security-Policy), and save what is no picture, sound,
	// film or plain text.
	Untrusted bool
	// HashBytes is the size up to which a tag is made from the content, so that it is
	// the same wherever that is served. Tags of larger files are made from size and
	// time of change; where that is unknown they have none.
	// Default: 8 MiB.
	HashBytes int64
}

func (c Config) withDefaults() Config {
	if c.Index == "" {
		c.Index = "index.html"
	}
	if c.HashBytes <= 0 {
		c.HashBytes = 8 << 20
	}
	return c
}

// validate returns what is wrong, in words.
func (c Config) validate() (wrong []string) {
	if _, ok := cleanName(c.Index, DotServe); !ok || strings.Contains(c.Index, "/") {
		wrong = append(wrong, fmt.Sprintf("Index %q is no file name", c.Index))
	}
	if c.Fallback != "" {
		if _, ok := cleanName(c.Fallback, DotServe); !ok || strings.HasSuffix(c.Fallback, "/") {
			wrong = append(wrong, fmt.Sprintf("Fallback %q is no name below the base", c.Fallback))
		}
	}
	if c.DotFiles < DotRefuse || c.DotFiles > DotServe {
		wrong = append(wrong, fmt.Sprintf("unknown DotPolicy %d", c.DotFiles))
	}
	for ext := range c.Types {
		if path.Ext(ext) != ext || ext != strings.ToLower(ext) {
			wrong = append(wrong, fmt.Sprintf("Types: %q is no extension: write it as in %q", ext, ".js"))
		}
	}
	return wrong
}
