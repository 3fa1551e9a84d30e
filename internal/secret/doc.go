// Package secret speaks JupyterHub's formats of everything that must not be read, guessed or forged.
//
// They are sealed auth state, hashed tokens, signed cookie values, XSRF tokens, PKCE challenges
// and random ids. All formats are those of JupyterHub 6, so a database and the cookies in people's
// browsers survive a move in either direction. The package imports only the standard library and a
// Fernet library, keeps no state but the keys it is given, and never puts one into a text or an error.
package secret
