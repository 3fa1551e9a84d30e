// Package oauth is the OAuth 2 provider that single-user servers and services sign their visitors in with:
// the authorization code flow, its consent page, and the token endpoint, as JupyterHub's clients use them.
//
//	browser ──▶ GET  /hub/api/oauth2/authorize ──▶ (consent) ──▶ redirect_uri?code=…
//	server  ──▶ POST /hub/api/oauth2/token      ──▶ access token
//	server  ──▶ GET  /hub/api/user              (package api) who is it
package oauth
