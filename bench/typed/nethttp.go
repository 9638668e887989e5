package main

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/mail"
	"strconv"
	"unicode/utf8"
)

// byHand is a handler of net/http alone, and the least that can be called one: it
// sets no limit for the body, does not look at its type nor behind its value, and
// hardly at the address.
func byHand(s *users) http.Handler { return handWritten(s, decodeBare, looksLikeEmail) }

// byHandInFull does what Tako does as well.
func byHandInFull(s *users) http.Handler { return handWritten(s, decodeInFull, isEmail) }

func handWritten(s *users, decode func(http.ResponseWriter, *http.Request, *newUser) (string, int), email func(string) bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /users/{id}", func(w http.ResponseWriter, req *http.Request) {
		id, err := strconv.ParseInt(req.PathValue("id"), 10, 64)
		if err != nil {
			http.Error(w, "id is no number", http.StatusBadRequest)
			return
		}
		var in newUser
		if wrong, status := decode(w, req, &in); status != 0 {
			http.Error(w, wrong, status)
			return
		}
		if wrong := checkByHand(id, &in, email); len(wrong) > 0 {
			http.Error(w, wrong.String(), http.StatusUnprocessableEntity)
			return
		}
		out := s.replace(id, req.URL.Query().Get("q"), req.Header.Get("X-Trace"), in)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
	return mux
}

func decodeBare(_ http.ResponseWriter, req *http.Request, in *newUser) (string, int) {
	if err := json.NewDecoder(req.Body).Decode(in); err != nil {
		return err.Error(), http.StatusBadRequest
	}
	return "", 0
}

func decodeInFull(w http.ResponseWriter, req *http.Request, in *newUser) (string, int) {
	if media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return "JSON is expected", http.StatusUnsupportedMediaType
	}
	d := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20))
	if err := d.Decode(in); err != nil {
		return err.Error(), http.StatusBadRequest
	}
	if _, err := d.Token(); err != io.EOF {
		return "something follows the value", http.StatusBadRequest
	}
	return "", 0
}

func isEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s
}

func checkByHand(id int64, in *newUser, email func(string) bool) (wrong problems) {
	if id < 1 {
		wrong.add("id", "must be at least 1")
	}
	if n := utf8.RuneCountInString(in.Name); n < 1 || n > 100 {
		wrong.add("name", "must have 1 to 100 characters")
	}
	if !email(in.Email) {
		wrong.add("email", "must be an address")
	}
	if in.Age < 0 || in.Age > 150 {
		wrong.add("age", "must be 0 to 150")
	}
	return wrong
}
