// Package tako is a framework for network services that speak more than plain
// HTTP: one router, one middleware chain and one handler type on every
// transport and runtime.
//
// Most services need three names: [New] makes a [Router], a [Handler] answers a
// request through its [Context], and [Run] serves until a signal drains it.
//
//	app := tako.New()
//	app.Get("/", func(c *tako.Context) error { return c.Text(200, "Hello, World!") })
//	tako.Run(context.Background(), std.New(app, std.Config{Addr: ":8080"}))
//
// Typed handlers, registered by [Get], [Post] and their siblings, are plain
// functions: their input struct says where each field comes from, and the
// framework decodes, checks and describes it.
//
// A pattern is a path in which {name} stands for one segment and {name...} for
// the rest. A literal segment is preferred to a parameter, a parameter to the
// rest. A pattern that ends in a slash matches only itself.
package tako
