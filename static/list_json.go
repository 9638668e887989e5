package static

import (
	"strings"
	"time"
)

// listedJSON is an entry of a listing in JSON.
type listedJSON struct {
	Name     string     `json:"name"`
	Link     string     `json:"link"`
	Dir      bool       `json:"dir"`
	Size     *int64     `json:"size,omitempty"`
	Modified *time.Time `json:"modified,omitempty"`
}

// inJSON leaves out the size of directories, and times that are not known.
func inJSON(entries []listed) []listedJSON {
	all := make([]listedJSON, len(entries))
	for i := range entries {
		e := &entries[i]
		all[i] = listedJSON{Name: strings.TrimSuffix(e.Name, "/"), Link: e.Link, Dir: e.Dir}
		if !e.Dir {
			all[i].Size = &e.Size
		}
		if !e.at.IsZero() {
			at := e.at.UTC().Truncate(time.Second)
			all[i].Modified = &at
		}
	}
	return all
}
