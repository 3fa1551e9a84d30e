// Package web is what every face of the hub shares: handlers that return an error, the middleware around them, JSON in and out,
// and the pages with their templates and static files.
//
// The forms of the pages are sent to these addresses, each below the hub's path, each by POST with the field _xsrf:
//
//	login                     username, password, otp, or nothing but _xsrf with a sign-in service
//	spawn/USER[/SERVER]       the fields of the options form; starts a server
//	stop/USER[/SERVER]        stops a server; during a start it cancels the start
//	delete-server/USER/SERVER removes a named server that does not run
//	home                      server_name: asks for a new named server
//	token                     note, expires_in, scopes: requests a token
//	token/revoke              token_id: takes one token back
//	api/oauth2/authorize?…    scopes, once per scope: the user agrees
//	admin/…                   the administration's, each with back: where the browser goes afterwards
//
// An address may carry next in its query: where the user wants to go afterwards.
package web
