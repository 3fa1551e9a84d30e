// Package proxy carries every request of the public address to the server that its path belongs to, or else to the hub.
//
// A Table maps path prefixes to addresses; looking up takes no lock and allocates nothing, so that routes may come and go
// while messages pass. A Handler reads the table and relays HTTP and WebSockets, notes activity, keeps the platform's cookies
// from servers and servers' cookies from the platform. The package knows no user, no pod and no store: what it has to know
// about a server stands in its Route.
package proxy
