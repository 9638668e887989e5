package static

import (
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// fileName decodes what follows the prefix in the normal form of a path into a name
// relative to the base, without the slash at its end. ok is false for what names no
// file, whatever there is on disk. It is the only place where names are decoded.
func fileName(raw string, dots DotPolicy) (name string, slash, ok bool) {
	if strings.Contains(raw, "%") {
		if strings.Contains(raw, "%2F") || strings.Contains(raw, "%2f") {
			return "", false, false // a slash that separates nothing
		}
		decoded, err := url.PathUnescape(raw)
		if err != nil {
			return "", false, false
		}
		raw = decoded
	}
	if raw == "" {
		return "", true, true
	}
	name, slash = strings.CutSuffix(raw, "/")
	name, ok = cleanName(name, dots)
	return name, slash, ok
}

// cleanName refuses names that lead elsewhere, are spelled in a way that some system
// takes for another name, or that the policy hides.
func cleanName(name string, dots DotPolicy) (string, bool) {
	if name == "" || len(name) > 4096 || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", false
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] == 0x7f || name[i] == '\\' {
			return "", false
		}
	}
	first := true
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." || hidden(segment, first, dots) ||
			runtime.GOOS == "windows" && aliased(segment) {
			return "", false
		}
		first = false
	}
	return name, true
}

// hidden applies the policy to one segment; first says that it stands at the base.
func hidden(segment string, first bool, dots DotPolicy) bool {
	if segment[0] != '.' || dots == DotServe {
		return false
	}
	return !(first && dots == DotWellKnown && segment == ".well-known")
}

// aliased reports whether Windows could take a segment for another name: streams and
// drives have a colon, short names a tilde, and dots and spaces at the end are cut.
func aliased(segment string) bool {
	return strings.ContainsAny(segment, ":~") || strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ")
}
