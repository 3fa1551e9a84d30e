package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// roundTrip is one user's own server as an OAuth client, and the user's browser.
type roundTrip struct {
	authorize string // path and query
	browser   string // header lines
	form      url.Values
	private   *conn // the server's connection to the hub
}

// newRoundTrip signs a user in; his server runs already.
func (r *running) newRoundTrip(ctx context.Context, name string) (*roundTrip, error) {
	c := &conn{address: r.public, timeout: requestTimeout}
	defer c.shut()
	jar, err := signIn(ctx, c, name)
	if err != nil {
		return nil, err
	}
	client := "jupyterhub-user-" + name
	_, secret, err := r.server(client)
	if err != nil {
		return nil, err
	}
	verifier := strings.Repeat("a-verifier-", 5)
	sum := sha256.Sum256([]byte(verifier))
	callback := "/user/" + name + "/oauth_callback"
	ask := url.Values{
		"client_id": {client}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"0123456789abcdef012345"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	return &roundTrip{
		authorize: "/hub/api/oauth2/authorize?" + ask.Encode(),
		browser:   userAgent + cookieHeader(jar),
		form: url.Values{
			"client_id": {client}, "client_secret": {secret}, "grant_type": {"authorization_code"},
			"redirect_uri": {callback}, "code_verifier": {verifier},
		},
		private: &conn{address: r.private, timeout: requestTimeout},
	}, nil
}

// run goes round once: the browser is sent back with a code, the server changes it for a token and asks whose it is.
func (t *roundTrip) run(ctx context.Context, c *conn) error {
	back, err := c.want(ctx, 302, "GET", t.authorize, t.browser, nil)
	if err != nil {
		return err
	}
	to, err := url.Parse(back.value("Location"))
	if err != nil || to.Query().Get("code") == "" {
		return fmt.Errorf("GET authorize: %w: sent to a place without a code", errOther)
	}
	t.form.Set("code", to.Query().Get("code"))
	a, err := t.private.want(ctx, 200, "POST", "/hub/api/oauth2/token", "Content-Type: application/x-www-form-urlencoded\r\n", []byte(t.form.Encode()))
	if err != nil {
		return err
	}
	var made struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil {
		return fmt.Errorf("POST token: %w", err)
	}
	_, err = t.private.want(ctx, 200, "GET", "/hub/api/user", bearer(made.Token), nil)
	return err
}

// roundTrips measures OAuth with eight users whose servers run.
func (r *running) roundTrips(ctx context.Context, spell time.Duration) (sample, error) {
	const clients = 8
	trips := make([]*roundTrip, clients)
	for i := range trips {
		t, err := r.newRoundTrip(ctx, userName(i))
		if err != nil {
			return sample{}, err
		}
		defer t.private.shut()
		trips[i] = t
	}
	return load(ctx, r.public, clients, spell, func(c *conn, client int) func(context.Context) error {
		return func(ctx context.Context) error { return trips[client].run(ctx, c) }
	})
}
