// Command chi is chi's router; the rest is the standard library, as chi ships no binder.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
)

func main() {
	r := chi.NewRouter()
	r.Get("/", hello)
	r.Get("/users/{id}", user)
	r.Post("/users", create)
	r.Get("/search", search)
	boot.Fail(http.Serve(boot.Listen(), r))
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, model.Hello)
}

func user(w http.ResponseWriter, req *http.Request) {
	id, err := strconv.ParseInt(chi.URLParam(req, "id"), 10, 64)
	if err != nil {
		http.Error(w, "id is no integer", http.StatusBadRequest)
		return
	}
	answer(w, http.StatusOK, model.Octopus(id))
}

func create(w http.ResponseWriter, req *http.Request) {
	var in model.NewUser
	if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
		http.Error(w, "body is no user", http.StatusBadRequest)
		return
	}
	if !in.Valid() {
		http.Error(w, "invalid user", http.StatusUnprocessableEntity)
		return
	}
	answer(w, http.StatusCreated, in.Created())
}

func search(w http.ResponseWriter, req *http.Request) {
	query := req.URL.Query()
	out := model.Found{Q: query.Get("q"), Limit: model.DefaultLimit, Tags: query["tag"]}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil {
			http.Error(w, "limit is no integer", http.StatusBadRequest)
			return
		}
		out.Limit = limit
	}
	answer(w, http.StatusOK, out)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
