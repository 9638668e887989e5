// Command nethttp shows that Tako and net/http nest in each other: handlers and
// middleware of the ecosystem run unchanged inside a Router, and a Router runs
// inside an existing mux.
//
//	go run ./examples/nethttp
//	curl localhost:8080/app/files/go.mod        # http.FileServer
//	curl --compressed -v localhost:8080/app/page # chi's middleware
//	curl localhost:8080/app/proxy/hello         # httputil.ReverseProxy
//	curl localhost:8080/old                     # the mux around it
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

// inner serves the files below dir, and backend below /proxy.
func inner(dir string, backend *url.URL) *tako.Router {
	r := tako.New()
	chi := r.Group("/app", tako.Std(middleware.RequestID), tako.Std(middleware.Compress(5)))
	chi.Get("/page", func(c *tako.Context) error {
		id := middleware.GetReqID(c.Context()) // left in the context by chi
		return c.Text(200, "request "+id+"\n"+strings.Repeat("the same again ", 100)+"\n")
	})
	// Routes keep their prefix, net/http handlers mostly want it stripped.
	files := http.StripPrefix("/app/files", http.FileServer(http.Dir(dir)))
	chi.Get("/files/{path...}", tako.HTTP(files))
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(backend)
		r.SetXForwarded()
	}}
	chi.Any("/proxy/{path...}", tako.HTTP(http.StripPrefix("/app/proxy", proxy)))
	return r
}

// existing is the program that takes the Router in.
func existing(r *tako.Router) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /old", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "as before\n") })
	mux.Handle("/app/", r)
	return mux
}

// app is a Router around the mux around the other Router. net/http could serve
// the mux alone.
func app(dir string, backend *url.URL) *tako.Router {
	r := tako.New()
	r.Fallback(tako.HTTP(existing(inner(dir, backend))))
	return r
}

func main() {
	dir, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	backend := tako.New()
	backend.Get("/{path...}", func(c *tako.Context) error { return c.Text(200, "backend got "+c.Path()+"\n") })
	_, err = tako.Run(context.Background(),
		std.New(app(dir, &url.URL{Scheme: "http", Host: "localhost:8081"}), std.Config{}),
		std.New(backend, std.Config{Addr: "localhost:8081"}))
	if err != nil {
		log.Fatal(err)
	}
}
