package apptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"berdlhub/internal/hub"
)

// SingleUser is a server that lets nobody in but those whom the hub vouches for, by JupyterHub's OAuth contract: a browser comes
// with a cookie that holds its access token, a program with a token of its own, and the hub says what they may do.
// Give it to a spawntest.Fake's Serve.
func SingleUser(spec hub.Spec) http.Handler {
	return &singleUser{env: spec.Env, prefix: spec.Prefix}
}

type singleUser struct {
	env    map[string]string
	prefix string
}

func (s *singleUser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case s.prefix + "api":
		w.Header().Set("X-JupyterHub-Version", "6.1.1")
		_, _ = fmt.Fprint(w, `{"version": "test"}`)
		return
	case s.prefix + "oauth_callback":
		s.signIn(w, r)
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "token ")
	if c, err := r.Cookie(s.env["JUPYTERHUB_CLIENT_ID"]); err == nil && token == "" {
		token = c.Value
	}
	name, allowed := s.ask(r.Context(), token)
	switch {
	case allowed:
		_, _ = fmt.Fprintf(w, "the server of %s, seen by %s", s.env["JUPYTERHUB_USER"], name)
	case name != "":
		http.Error(w, name+" may not use this server", http.StatusForbidden)
	default:
		query := url.Values{
			"client_id": {s.env["JUPYTERHUB_CLIENT_ID"]}, "redirect_uri": {s.prefix + "oauth_callback"},
			"response_type": {"code"}, "state": {r.URL.Path},
		}
		http.Redirect(w, r, s.env["JUPYTERHUB_BASE_URL"]+"hub/api/oauth2/authorize?"+query.Encode(), http.StatusFound)
	}
}

// ask asks the hub whose token this is, and whether it opens this server.
func (s *singleUser) ask(ctx context.Context, token string) (name string, allowed bool) {
	var who struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.env["JUPYTERHUB_API_URL"]+"/user", http.NoBody)
	if err != nil || token == "" {
		return "", false
	}
	req.Header.Set("Authorization", "token "+token)
	if call(req, &who) != nil {
		return "", false
	}
	var needed []string
	if json.Unmarshal([]byte(s.env["JUPYTERHUB_OAUTH_ACCESS_SCOPES"]), &needed) != nil {
		return who.Name, false
	}
	needed = append(needed, "access:servers")
	return who.Name, slices.ContainsFunc(needed, func(scope string) bool { return slices.Contains(who.Scopes, scope) })
}

// signIn takes a code to the hub and keeps the token that it brings in a cookie.
func (s *singleUser) signIn(w http.ResponseWriter, r *http.Request) {
	form := url.Values{
		"client_id": {s.env["JUPYTERHUB_CLIENT_ID"]}, "client_secret": {s.env["JUPYTERHUB_API_TOKEN"]}, "grant_type": {"authorization_code"},
		"code": {r.URL.Query().Get("code")}, "redirect_uri": {s.prefix + "oauth_callback"},
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, s.env["JUPYTERHUB_API_URL"]+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	if err := call(req, &grant); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.env["JUPYTERHUB_CLIENT_ID"], Value: grant.AccessToken, Path: s.prefix, HttpOnly: true})
	http.Redirect(w, r, r.URL.Query().Get("state"), http.StatusFound)
}

// call makes a request and decodes the JSON of a 200.
func call(req *http.Request, into any) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with %s", req.URL.Path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
