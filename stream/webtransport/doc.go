// Package webtransport serves sessions of WebTransport over HTTP/3
// (draft-ietf-webtrans-http3), which browsers open by new WebTransport(url). [New] lets a server of
// transport/h3 take them, and [Handler] makes a route of the one router that they are opened on:
//
//	server := h3.New(app, h3.Config{Certs: certs, WebTransport: webtransport.New(webtransport.ServerConfig{})})
//	app.Get("/echo", webtransport.Handler(webtransport.Config{}, echo))
//
// A session begins as a request, an extended CONNECT, which passes the middleware of its route
// before there is a session. Then both sides open streams and send datagrams. It stands on
// webtransport-go, of which nothing shows in this API.
package webtransport
