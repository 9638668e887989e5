package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tako-go/tako/takotest"
)

func TestApp(t *testing.T) {
	srv := takotest.New(t, app(time.Now()))
	srv.Get("/").Expect(200).ExpectText(fmt.Sprintf("process %d, up 0s\n", os.Getpid()))
	srv.Get("/ready").Expect(200)
}
