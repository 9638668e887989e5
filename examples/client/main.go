// Command client calls a service by the routes that the service is made of: inputs
// are encoded and results decoded by the types, and errors are those that were
// declared. It starts the service itself, unless it is told where one is.
//
//	go run ./examples/client
//	go run ./examples/client -serve        # on :8080, and in another terminal:
//	go run ./examples/client -url http://localhost:8080
//	curl localhost:8080/shells?name=conch
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/client"
	"github.com/tako-go/tako/runtime/std"
)

// connect returns a client that signs each request.
func connect(url string) (*client.Client, error) {
	return client.New(url, client.Config{Auth: func(req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token)
		return nil
	}})
}

// tour makes some calls and tells what came of them.
func tour(ctx context.Context, out io.Writer, api *client.Client) error {
	shop := newShop(tako.New(), nil) // routes are all a client needs
	added, err := client.Call(ctx, api, shop.add, newShell{Body: shell{Name: "conch", Cents: 350}})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "added", added.Body.Name, "at", added.Location)

	found, err := client.Call(ctx, api, shop.list, listShells{Names: []string{"conch", "cowrie"}})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "found", len(found), "and the first costs", found[0].Cents)

	// Errors are those of Throws, by errors.Is.
	_, err = client.Call(ctx, api, shop.add, newShell{Body: shell{Name: "conch", Cents: 1}})
	fmt.Fprintln(out, "the same again: errTwice", errors.Is(err, errTwice))
	_, err = client.Call(ctx, api, shop.get, byID{99})
	fmt.Fprintln(out, "not there: errNoShell", errors.Is(err, errNoShell), "errTwice", errors.Is(err, errTwice))

	// All others are problem documents with their members.
	_, err = client.Call(ctx, api, shop.add, newShell{Body: shell{}})
	if problem, ok := errors.AsType[*tako.Error](err); ok {
		for _, f := range problem.Fields {
			fmt.Fprintln(out, "nonsense:", f.Name, f.Detail)
		}
	}
	return nil
}

func main() {
	serve := flag.Bool("serve", false, "be the service")
	url := flag.String("url", "", "where the service is; one is started if empty")
	flag.Parse()
	app := tako.New()
	newShop(app, new(stock))
	if *serve {
		if _, err := tako.Run(context.Background(), std.New(app, std.Config{})); err != nil {
			log.Fatal(err)
		}
		return
	}
	if *url == "" {
		srv := httptest.NewServer(app)
		defer srv.Close()
		*url = srv.URL
	}
	api, err := connect(*url)
	if err == nil {
		err = tour(context.Background(), os.Stdout, api)
		api.Close()
	}
	if err != nil {
		log.Fatal(err)
	}
}
