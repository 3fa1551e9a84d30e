// Package auth answers who is asking and what they may do.
//
// A request proves who it is by a token or by the sign-in cookie. The answer is a Principal with its scopes, which
// is an explicit parameter of everything that decides. Principals are kept in memory and dropped by the store's
// change feed, so that an ordinary request does not touch the database.
package auth
