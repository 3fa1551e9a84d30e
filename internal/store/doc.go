// Package store holds all SQL: what the hub remembers, in SQLite or in PostgreSQL, by one text for both.
//
// Each noun has its file. An exported method opens the transaction; the functions below it work inside.
// Whoever changed something tells it: a Change is published after the commit, on this hub at once and on the
// other hubs of a PostgreSQL database by its notifications.
//
// Times are kept in UTC to the microsecond; the zero time is "never".
// Errors carry a hub.Code where the caller can act on it: NotFound, Conflict, Invalid, TooMany, and Unavailable when
// the database itself is in trouble. None holds a password or a token.
package store
