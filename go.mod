module github.com/tako-go/tako

go 1.26.0

require golang.org/x/sys v0.49.0

require github.com/go-chi/chi/v5 v5.5.0
