package transport

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds the symbolic links on the way to a file, as systems do.
const maxLinks = 40

// trace follows file, an absolute path, through symbolic links. It adds to paths
// whatever would lead elsewhere if it was replaced, and to dirs the directories in
// which that would happen. For a file of Kubernetes,
//
//	/tls/tls.crt -> ..data/tls.crt, /tls/..data -> ..2026_11_20, /tls/..2026_11_20/tls.crt
//
// paths gets all of these, and dirs gets /tls and /tls/..2026_11_20.
func trace(file string, dirs, paths map[string]bool) {
	for links := 0; links < maxLinks; {
		link, to := firstLink(file)
		if link == "" {
			break
		}
		links++
		dirs[filepath.Dir(link)], paths[link] = true, true
		rest := strings.TrimPrefix(file, link)
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(link), to)
		}
		file = filepath.Join(to, rest)
	}
	paths[file] = true
	// A directory that is gone may come back.
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		paths[dir] = true
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			dirs[dir] = true
			return
		}
	}
}

// firstLink returns the first part of file that is a symbolic link, and what it
// holds.
func firstLink(file string) (link, to string) {
	for at := len(filepath.VolumeName(file)) + 1; at <= len(file); at++ {
		if at < len(file) && !os.IsPathSeparator(file[at]) {
			continue
		}
		part := file[:at]
		if to, err := os.Readlink(part); err == nil {
			return part, to
		}
	}
	return "", ""
}
