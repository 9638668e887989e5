// Package openapi describes the routes of a router as an OpenAPI 3.1 document and
// serves it, with a page for people to read.
//
//	openapi.Mount(app, "/docs", openapi.Config{Title: "Reefs", Version: "1.4.0"})
//
// The document is made of what the routes know of themselves: the types of typed
// handlers, the extractors in them, and the options of registration such as
// [tako.Summary] and [tako.Throws]. Nothing is annotated twice.
//
// What OpenAPI 3.1 cannot say is told in its terms as far as they go:
//
//   - {rest...} becomes {rest}, with a note that it stands for several segments;
//   - the operations of a host have the host as their server. Where another host
//     has the same path and method, that operation is under x-hosts of the path;
//   - methods that OpenAPI does not know are under x-additionalOperations;
//   - a route for every method is listed as GET, POST, PUT, PATCH and DELETE, as
//     far as these have no route of their own;
//   - HEAD, which every GET route answers, is listed only where it has a route.
package openapi
