package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"berdlhub/internal/app/apptest"
)

// The tests of this file are named after classes of attacks, as docs/security.md lists them; most classes have their tests beside
// what they guard.

// keptLog is a log that several goroutines write to.
type keptLog struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (k *keptLog) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(p)
}

func (k *keptLog) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

// TestSecuritySecretsStaySecret lets a hub that logs all it can handle known secrets, and looks for them in its log, its answers, its
// metrics and its database.
func TestSecuritySecretsStaySecret(t *testing.T) {
	t.Parallel()
	const password, cryptKey = "canary-password-of-everybody", "10994c10543424dba7e352d4569e8e610d53b7e66e249e252e4440d1fc541198"
	log := &keptLog{}
	dir := t.TempDir()
	h := apptest.Start(t, apptest.Options{
		Dir: dir, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Environ: []string{"JUPYTERHUB_CRYPT_KEY=" + cryptKey},
		Config:  map[string]map[string]any{"DummyAuthenticator": {"password": password}, "Authenticator": {"enable_auth_state": true}},
	})
	b := h.Browser(t)
	seen := &strings.Builder{}
	note := func(a *apptest.Answer) *apptest.Answer {
		seen.WriteString(a.Body)
		return a
	}
	note(b.Get("/hub/login"))
	note(b.Post("/hub/login", url.Values{"username": {"ada"}, "password": {password}, "_xsrf": {b.XSRF()}}))
	note(h.Browser(t).Post("/hub/login", url.Values{"username": {"eve"}, "password": {password + "x"}}))
	var made struct{ Token string }
	if a := h.Service(t, http.MethodPost, "/users/ada/tokens", `{"auth": {"password": "`+password+`"}}`); json.Unmarshal([]byte(a.Body), &made) != nil || made.Token == "" {
		t.Fatalf("no token: status %d\n%s", a.Status, a.Body)
	}
	for _, path := range []string{
		"/hub/home", "/hub/token", "/hub/sessions", "/hub/spawn", "/hub/metrics", "/hub/health?deep", "/hub/api/users/ada", "/hub/api/users/ada/tokens", "/hub/api/proxy",
		"/hub/api/authorizations/token/" + made.Token, "/hub/api/services", "/hub/api/users/ada/server/progress", "/hub/nothing?token=" + made.Token,
	} {
		note(b.Get(path))
		note(h.Browser(t).Send(http.MethodGet, path, "", "Authorization", "token "+apptest.ServiceToken))
		note(h.Browser(t).Send(http.MethodGet, path, "", "Authorization", "token "+made.Token))
	}
	h.Service(t, http.MethodPost, "/users/ada/server", "")
	h.Stop(t)
	stored := &bytes.Buffer{}
	for _, name := range []string{"hub.sqlite", "hub.sqlite-wal"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		stored.Write(text)
	}
	login := b.Cookie("jupyterhub-hub-login")
	for name, secret := range map[string]string{
		"the password": password, "the crypt key": cryptKey, "the cookie secret": apptest.CookieSecret, "a service's token": apptest.ServiceToken,
		"a user's token": made.Token, "a sign-in cookie": login,
	} {
		for place, text := range map[string]string{"log": log.String(), "answers": seen.String(), "database": stored.String()} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%s is in the %s", name, place)
			}
		}
	}
	if !strings.Contains(log.String(), "level=DEBUG") || stored.Len() == 0 || login == "" {
		t.Errorf("too little was looked at: %d bytes of log, %d of database, cookie %q", len(log.String()), stored.Len(), login)
	}
}

// TestSecurityTrustedHeaders holds that nobody becomes somebody by a header that a proxy of another system would set.
func TestSecurityTrustedHeaders(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	for _, header := range []string{
		"X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Username", "X-User", "X-Auth-Request-User", "X-Authenticated-User", "Forwarded", "X-JupyterHub-User",
	} {
		if a := h.Browser(t).Send(http.MethodGet, "/hub/api/user", "", header, "root-admin"); a.Status != http.StatusForbidden {
			t.Errorf("%s: status %d: %s", header, a.Status, a.Body)
		}
		if a := h.Browser(t).Send(http.MethodGet, "/hub/admin", "", header, "root-admin"); a.Status != http.StatusFound {
			t.Errorf("%s: the administration answers %d", header, a.Status)
		}
	}
}

// TestSecurityExhaustion sends what is too much, and looks that it is refused early and told shortly.
func TestSecurityExhaustion(t *testing.T) {
	t.Parallel()
	log := &keptLog{}
	h := apptest.Start(t, apptest.Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	huge := strings.Repeat("a", 10<<20)
	b := h.Browser(t)
	b.Get("/hub/login")
	if a := b.Post("/hub/login", url.Values{"username": {huge}}); a.Status < 400 || a.Status > 499 {
		t.Errorf("a form of 10 MiB: status %d", a.Status)
	}
	if a := h.Service(t, http.MethodPost, "/users", `{"usernames": ["`+huge+`"]}`); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 10 MiB: status %d", a.Status)
	}
	if a := h.Browser(t).Send(http.MethodGet, "/hub/api/user", "", "X-Long", strings.Repeat("b", 1<<20)); a.Status != http.StatusRequestHeaderFieldsTooLarge && a.Status != 0 {
		t.Errorf("a header of 1 MiB: status %d", a.Status)
	}
	for range 50 {
		b := h.Browser(t)
		b.Get("/hub/login")
		b.Post("/hub/login", url.Values{"username": {strings.Repeat("n", 5000)}, "_xsrf": {b.XSRF()}})
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > 1024 {
			t.Errorf("a line of the log has %d bytes: %.200s…", len(line), line)
		}
	}
}

// TestSecuritySpawnOptions starts a server with options that nobody meant: they are data, or refused, never a fault of the hub.
func TestSecuritySpawnOptions(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	h.Service(t, http.MethodPost, "/users/ada", "")
	for _, options := range []string{
		`{"image": "evil/image", "cmd": ["sh"], "env": {"LD_PRELOAD": "x"}}`, `{"profile": "{username}{0.__class__}"}`, `{"ü": "\u202e", "a": "\ud83d\ude00"}`,
		`{"user_options": {"__proto__": {"admin": true}}}`, `{"a": ` + strings.Repeat(`{"a":`, 1000) + `1` + strings.Repeat("}", 1001), `{"n": 1e400}`, `{"x": "\u0000"}`,
		`{"big": "` + strings.Repeat("x", 500_000) + `"}`,
	} {
		if a := h.Service(t, http.MethodPost, "/users/ada/server", options); a.Status >= 500 {
			t.Errorf("%.80s: status %d: %.200s", options, a.Status, a.Body)
		}
		if a := h.Service(t, http.MethodDelete, "/users/ada/server", ""); a.Status/100 != 2 {
			t.Errorf("%.80s: the stop gives %d: %.200s", options, a.Status, a.Body)
		}
	}
}

// TestSecurityDatabaseAtRest holds that only the hub's account reads the database file.
func TestSecurityDatabaseAtRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := apptest.Start(t, apptest.Options{Dir: dir})
	h.Service(t, http.MethodPost, "/users/ada", "")
	files, err := filepath.Glob(filepath.Join(dir, "hub.sqlite*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no database file", err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
}
