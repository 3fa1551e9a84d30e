package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"berdlhub/internal/web"
)

// The error codes of RFC 6749 that JupyterHub's provider uses.
const (
	invalidRequest          = "invalid_request"
	invalidClient           = "invalid_client"
	invalidGrant            = "invalid_grant"
	invalidScope            = "invalid_scope"
	unsupportedGrantType    = "unsupported_grant_type"
	unsupportedResponseType = "unsupported_response_type"
)

// protocolError is an answer of the protocol to a client; it goes to the redirect URI or into the token endpoint's body.
type protocolError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

func (e *protocolError) Error() string {
	if e.Description == "" {
		return e.Code
	}
	return e.Code + ": " + e.Description
}

// grant is the token endpoint's answer. JupyterHub's OAuth contract: no refresh token.
type grant struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
}

// writeError answers the token endpoint's caller; any other error is left to the caller of the handler.
func writeError(w http.ResponseWriter, err error) error {
	var p *protocolError
	if !errors.As(err, &p) {
		return err
	}
	status := http.StatusBadRequest
	if p.Code == invalidClient {
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_client"`)
	}
	noStore(w)
	return web.JSON(w, status, p)
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

// redirect sends the browser back to the client; a relative redirect URI stays relative.
func redirect(w http.ResponseWriter, uri string, query url.Values) {
	sep := "?"
	if strings.Contains(uri, "?") {
		sep = "&"
	}
	w.Header().Set("Location", uri+sep+query.Encode())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}
