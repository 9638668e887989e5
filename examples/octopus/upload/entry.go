package upload

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// maxEntry is how many characters of a name an entry keeps.
const maxEntry = 60

// entry is a name for a file that any file system and any address can have: its number, and of the
// user's name letters, digits and the extension.
func entry(id int64, name string) string {
	ext := filepath.Ext(name)
	stem := []rune(safe(strings.TrimSuffix(name, ext)))
	end := []rune(safe(strings.TrimPrefix(ext, ".")))
	text := strconv.FormatInt(id, 10) + "-" + string(stem[:min(len(stem), maxEntry)])
	if len(end) > 0 && len(end) <= 10 {
		text += "." + string(end)
	}
	return text
}

func safe(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' {
			return r
		}
		return '_'
	}, text)
}
