// Package live loads servers over connections that stay open, some thousand of them on a few
// threads: WebSocket, whose messages come back or go to all, and server-sent events.
//
// Pings are skipped and not answered: a load is shorter than the patience of servers.
package live
