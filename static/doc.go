// Package static serves the files of a directory or of a file system such as an
// embedded one.
//
//	static.Dir(app, "/assets/", "public", static.Config{})
//	static.FS(app, "/", pages, static.Config{Fallback: "index.html"})
//
// Answers follow RFC 9110: entity tags, conditions, ranges, codings by the client's
// weights. Nothing outside the base is ever opened, through links neither, and
// nothing but regular files is. Contents are not kept in memory; a tag for each of
// the last 4096 files is.
package static
