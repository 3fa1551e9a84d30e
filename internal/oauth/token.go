package oauth

import (
	"crypto/sha256"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
	"berdlhub/internal/web"
)

// maxForm bounds the token request's body in bytes.
const maxForm = 64 << 10

// Token exchanges a code for an access token. JupyterHub's OAuth contract: POST /hub/api/oauth2/token, client and secret in
// the form, no HTTP Basic. A failed exchange does not use the code up.
func (p *Provider) Token(w http.ResponseWriter, r *http.Request) error {
	answer, err := p.exchange(w, r)
	if err != nil {
		return writeError(w, err)
	}
	noStore(w)
	return web.JSON(w, http.StatusOK, answer)
}

func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) (*grant, error) {
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	if form.Get("grant_type") != "authorization_code" {
		return nil, &protocolError{Code: unsupportedGrantType}
	}
	client, err := p.authenticate(r, form)
	if err != nil {
		return nil, err
	}
	code, err := p.check(r, form, client)
	if err != nil {
		return nil, err
	}
	plain, now := secret.NewOAuthToken(), p.cfg.Now()
	t := &hub.Token{
		UserID: code.UserID, ClientID: client.ID, SessionID: code.SessionID, Scopes: code.Scopes,
		Hashed: secret.HashToken(plain, secret.GeneratedRounds), Prefix: secret.TokenPrefix(plain),
		Created: now, Expires: now.Add(p.cfg.TokenExpires),
	}
	hub.SetActor(r.Context(), hub.Actor{Kind: "client", Name: client.ID, Address: p.auth.ClientIP(r), RequestID: web.RequestIDFrom(r.Context())})
	if err := p.db.ExchangeCode(r.Context(), code.Code, t); err != nil {
		if hub.CodeOf(err) == hub.NotFound {
			return nil, &protocolError{Code: invalidGrant} // somebody else was faster
		}
		return nil, fmt.Errorf("store an access token: %w", err)
	}
	return &grant{AccessToken: plain, ExpiresIn: int64(p.cfg.TokenExpires.Seconds()), TokenType: "Bearer", Scope: strings.Join(code.Scopes, " ")}, nil
}

// readForm reads the body; one of another type counts as empty.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return url.Values{}, nil //nolint:nilerr // not a form: empty
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, &protocolError{invalidRequest, "The form could not be read."}
	}
	return r.PostForm, nil
}

// authenticate checks the client's secret. The many rounds of a configured secret are computed once.
func (p *Provider) authenticate(r *http.Request, form url.Values) (*hub.Client, error) {
	client, err := p.db.ClientByID(r.Context(), form.Get("client_id"))
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return nil, fmt.Errorf("look up an OAuth client: %w", err)
	}
	plain := form.Get("client_secret")
	if err != nil || !usable(client) || !secret.ValidTokenLength(plain) {
		return nil, &protocolError{Code: invalidClient}
	}
	key := sha256.Sum256([]byte(client.ID + "\x00" + plain))
	p.mu.Lock()
	known := p.verified[key]
	p.mu.Unlock()
	if known == client.HashedSecret {
		return client, nil
	}
	if !secret.CheckToken(plain, client.HashedSecret) {
		return nil, &protocolError{Code: invalidClient}
	}
	p.mu.Lock()
	if len(p.verified) > 20_000 {
		clear(p.verified)
	}
	p.verified[key] = client.HashedSecret
	p.mu.Unlock()
	return client, nil
}

// check finds the code and holds the exchange against it.
func (p *Provider) check(r *http.Request, form url.Values, client *hub.Client) (*hub.AuthorizationCode, error) {
	if form.Get("code") == "" {
		return nil, &protocolError{invalidRequest, "Missing code parameter."}
	}
	code, err := p.db.CodeByValue(r.Context(), form.Get("code"), p.cfg.Now())
	if err != nil && hub.CodeOf(err) != hub.NotFound {
		return nil, fmt.Errorf("look up an authorization code: %w", err)
	}
	if err != nil || code.ClientID != client.ID {
		return nil, &protocolError{Code: invalidGrant}
	}
	if uri := form.Get("redirect_uri"); uri != "" && uri != code.RedirectURI {
		return nil, &protocolError{invalidRequest, "Mismatching redirect URI."}
	}
	if code.Challenge == "" {
		return code, nil
	}
	verifier := form.Get("code_verifier")
	if verifier == "" {
		return nil, &protocolError{invalidRequest, "Code verifier required."}
	}
	if !secret.CheckPKCE(code.Challenge, code.ChallengeMethod, verifier) {
		return nil, &protocolError{Code: invalidGrant}
	}
	return code, nil
}
