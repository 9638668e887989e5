package openapi_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/openapi"
)

func ExampleWrite() {
	type greeting struct {
		Text string `json:"text" maxLength:"80"`
	}
	app := tako.New()
	tako.Get(app, "/hello/{name}", func(_ context.Context, in struct {
		Name string `path:"name" doc:"who is greeted"`
	}) (greeting, error) {
		return greeting{"Hello, " + in.Name}, nil
	}, tako.Summary("Greet somebody"))

	cfg := openapi.Config{Title: "Greetings", Version: "1.0.0", Filter: func(l tako.Listed) bool { return l.Method == "GET" }}
	var text strings.Builder
	if err := openapi.Write(&text, app, cfg, openapi.YAML); err != nil {
		log.Fatal(err)
	}
	untilFailures, _, _ := strings.Cut(text.String(), "        \"400\":")
	fmt.Print(untilFailures)
	// Output:
	// openapi: 3.1.1
	// info:
	//   title: Greetings
	//   version: 1.0.0
	// security: []
	// paths:
	//   /hello/{name}:
	//     get:
	//       summary: Greet somebody
	//       operationId: getHelloByName
	//       parameters:
	//       - name: name
	//         in: path
	//         description: who is greeted
	//         required: true
	//         schema:
	//           type: string
	//       responses:
	//         "200":
	//           description: OK
	//           content:
	//             application/json:
	//               schema:
	//                 $ref: "#/components/schemas/Greeting"
}
