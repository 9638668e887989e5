// Command nethttp is the standard library alone, and quic-go for HTTP/3.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"strconv"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
	"github.com/tako-go/tako/bench/rivals/internal/quic"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", hello)
	mux.HandleFunc("GET /users/{id}", user)
	mux.HandleFunc("POST /users", create)
	mux.HandleFunc("GET /search", search)
	mux.HandleFunc("GET /bytes/{n}", sendBytes)
	mux.HandleFunc("POST /upload", upload)
	news := &feed{clients: map[chan []byte]struct{}{}}
	mux.HandleFunc("GET /events", news.events)
	mux.HandleFunc("POST /publish", news.publish)

	h2c := flag.Bool("h2c", false, "speak HTTP/2 in clear text")
	pair := flag.String("tls", "", "speak TLS with the certificate and key in this `file`")
	h3 := flag.Bool("h3", false, "speak HTTP/3; needs -tls")
	static := flag.String("static", "", "serve the files of this `folder` below /static/")
	boot.Parse()
	if *static != "" {
		mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServer(http.Dir(*static))))
	}
	if *h3 {
		boot.Fail(quic.Serve(mux, *pair))
	}
	ln := boot.Listen()
	if *pair != "" {
		boot.Fail(http.ServeTLS(ln, mux, *pair, *pair))
	}
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(!*h2c)
	server.Protocols.SetUnencryptedHTTP2(*h2c)
	boot.Fail(server.Serve(ln))
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, model.Hello)
}

func user(w http.ResponseWriter, req *http.Request) {
	id, err := strconv.ParseInt(req.PathValue("id"), 10, 64)
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
