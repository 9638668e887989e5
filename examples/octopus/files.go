package main

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/static"
)

// addFiles serves the folder of uploads to look through, and to be played from any point. Users
// have brought the files, so browsers run nothing of them, and save what they cannot play.
func (s *service) addFiles(r *tako.Router) {
	static.Dir(r, "/files/", s.uploads.Dir(), static.Config{
		List: true, NoIndex: true, Untrusted: true,
		Cache: func(string) string { return "no-cache" },
	})
}
