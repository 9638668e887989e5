// Package transport is what a server speaks over before HTTP begins: what it listens on, where
// it has its certificates from and what it asks of those of clients.
//
// # Listeners
//
// Addresses are enough for TCP. The Listen field of a server's Config takes [Unix] and [VSock],
// and sockets that were passed to the process: [Activated] by a name that the service manager
// knows, [Listen] by their address, [FD] by their number. [ParseListen] reads a list of what to
// listen on, as a flag has it.
//
// # Certificates
//
// [CertFiles] is enough for most servers:
//
//	std.New(app, std.Config{Certs: transport.CertFiles("cert.pem", "key.pem")})
//
// [NewCerts] has the options: several certificates, client certificates, ticket keys.
// [SelfSigned] is for development, [ACME] gets certificates from an authority.
package transport
