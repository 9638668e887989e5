module github.com/tako-go/tako

go 1.26
