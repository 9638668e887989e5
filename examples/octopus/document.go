package main

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/openapi/swaggerui"
)

// document is what the API says of itself, beside its routes.
func document() openapi.Config {
	return openapi.Config{
		Title:   "The reef",
		Version: "1.0.0",
		Summary: "People sign up, talk and share files.",
		Description: "The API of the octopus example. It keeps all in memory and forgets it at the end.\n\n" +
			"Errors are problem documents (RFC 9457). Their type tells them apart; requestId is what to quote when asking for help.",
		Contact: &openapi.Contact{Name: "The Tako authors", URL: "https://github.com/tako-go/tako/issues"},
		License: &openapi.License{Name: "MIT", Identifier: "MIT"},
		Servers: []openapi.Server{{URL: "/", Description: "where this document is"}},
		Tags: []openapi.Tag{
			{Name: "accounts", Description: "Users and their sessions."},
			{Name: "reefs", Description: "Rooms to talk in."},
			{Name: "messages", Description: "What is said in a reef, to be read later or as it comes. " +
				"There is also a WebSocket at /api/v1/reefs/{reef}/socket and a WebTransport session at /api/v1/reefs/{reef}/session."},
			{Name: "uploads", Description: "Files that users share."},
			{Name: "service", Description: "The service itself."},
		},
	}
}

// addDocument serves the document at /docs/openapi.json and .yaml, and two pages
// that show it. Neither needs a network, and each has a policy of its own.
func addDocument(r *tako.Router) {
	cfg := document()
	openapi.Mount(r, "/docs", cfg)
	cfg.UI, cfg.URL = swaggerui.Offline, "/docs/openapi.json"
	openapi.Mount(r, "/docs/swagger", cfg)
}
