package static

import (
	"mime"
	"path"
	"strings"
)

// known are the types of what sites are made of. They come before those of the system,
// which differ from one machine to the next.
var known = map[string]string{
	".apng": "image/apng", ".avif": "image/avif", ".bmp": "image/bmp", ".css": "text/css", ".csv": "text/csv",
	".flac": "audio/flac", ".gif": "image/gif", ".gz": "application/gzip", ".htm": "text/html", ".html": "text/html",
	".ico": "image/x-icon", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript",
	".json": "application/json", ".jsonld": "application/ld+json", ".jxl": "image/jxl", ".m3u8": "application/vnd.apple.mpegurl",
	".m4a": "audio/mp4", ".m4v": "video/mp4", ".map": "application/json", ".md": "text/markdown", ".mjs": "text/javascript",
	".mov": "video/quicktime", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".mpd": "application/dash+xml", ".oga": "audio/ogg",
	".ogg": "audio/ogg", ".ogv": "video/ogg", ".opus": "audio/ogg", ".otf": "font/otf", ".pdf": "application/pdf",
	".png": "image/png", ".rss": "application/rss+xml", ".svg": "image/svg+xml", ".tar": "application/x-tar",
	".ts": "video/mp2t", ".ttf": "font/ttf", ".txt": "text/plain", ".vtt": "text/vtt", ".wasm": "application/wasm",
	".wav": "audio/wav", ".webm": "video/webm", ".webmanifest": "application/manifest+json", ".webp": "image/webp",
	".woff": "font/woff", ".woff2": "font/woff2", ".xhtml": "application/xhtml+xml", ".xml": "text/xml",
	".yaml": "application/yaml", ".yml": "application/yaml", ".zip": "application/zip", ".zst": "application/zstd",
}

// typeOf returns the media type for a name. Text is UTF-8.
func (c *Config) typeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	kind := c.Types[ext]
	if kind == "" {
		kind = known[ext]
	}
	if kind == "" {
		kind = mime.TypeByExtension(ext)
	}
	switch {
	case kind == "":
		return "application/octet-stream"
	case strings.HasPrefix(kind, "text/") && !strings.Contains(kind, ";"):
		return kind + "; charset=utf-8"
	}
	return kind
}

// inert reports whether a browser may show a file of the type whoever has made it.
func inert(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	switch kind {
	case "image/svg+xml":
		return false
	case "text/plain":
		return true
	}
	class, _, _ := strings.Cut(kind, "/")
	return class == "image" || class == "audio" || class == "video"
}
