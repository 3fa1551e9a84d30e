// Package hub holds the nouns of berdlhub and the sockets that outside systems plug into.
//
// One word per notion, used everywhere:
//
//   - user: a person who may sign in; the name is the identity.
//   - server: a user's single-user server; the default server has the empty name, others are named servers.
//   - run: one life of a server from a start to the end of its stop, with an id that is never used twice.
//   - journal: the list of things outside the database that a run owns.
//   - event: what happened in a run, in a person's words.
//   - token: what an API client shows; belongs to a user or a service.
//   - client: an OAuth client, which is a server or a service.
//   - route: a path prefix of the proxy and where it leads.
//
// The package imports only the standard library, so every other package may import it.
package hub
