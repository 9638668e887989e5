package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName is what common file systems take, in bytes.
const maxFileName = 255

// cleanFileName returns the last element of what a client calls a file, whatever
// system it runs on, without what is dangerous to show or to use.
func cleanFileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.ToValidUTF8(name, "_")
	name = strings.Map(harmless, name)
	name = strings.TrimRight(shortened(strings.TrimLeft(name, " ")), " .")
	stem, _, _ := strings.Cut(name, ".")
	if isDevice(strings.TrimRight(stem, " ")) {
		return "_" + name
	}
	return name
}

// harmless drops control characters and those that turn the direction of text, and
// replaces what Windows gives a meaning.
func harmless(c rune) rune {
	switch {
	case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c):
		return -1
	case strings.ContainsRune(`:*?"<>|`, c):
		return '_'
	}
	return c
}

// shortened cuts a name that is too long, before its extension if that is short.
func shortened(name string) string {
	if len(name) <= maxFileName {
		return name
	}
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
		ext = name[i:]
	}
	stem := name[:maxFileName-1-len(ext)] // there may have to be an underscore in front
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return stem + ext
}

// isDevice reports whether Windows takes a name for a device.
func isDevice(stem string) bool {
	stem = strings.ToUpper(stem)
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "COM" || stem[:3] == "LPT") && '1' <= stem[3] && stem[3] <= '9'
}
