package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
)

// serviceClasses is a configuration with these services beside the tests' own; ada may visit all of them.
func serviceClasses(services ...any) map[string]map[string]any {
	return map[string]map[string]any{"JupyterHub": {
		"services":   append(services, map[string]any{"name": "tests", "api_token": apptest.ServiceToken, "admin": true}),
		"load_roles": []any{map[string]any{"name": "visitors", "scopes": []string{"access:services"}, "users": []string{"ada"}}},
	}}
}

// TestTokenOfAManagedService: a service without a configured token gets one that works, the same after a restart of the hub.
func TestTokenOfAManagedService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	o := apptest.Options{Dir: dir, Config: serviceClasses(
		map[string]any{"name": "own", "cwd": dir, "command": []string{"sh", "-c", `printf %s "$JUPYTERHUB_API_TOKEN" > new; mv new token; sleep 600`}},
		map[string]any{"name": "alone", "url": "http://127.0.0.1:9"},
	)}
	token := func(h *apptest.Hub) (token string) {
		h.Until(t, "the service has started", func() bool {
			text, err := os.ReadFile(file)
			token = string(text)
			return err == nil
		})
		a := h.Browser(t).Send(http.MethodGet, "/hub/api/user", "", "Authorization", "token "+token)
		if a.Status != http.StatusOK || !strings.Contains(a.Body, `"own"`) {
			t.Errorf("the token's owner: %d %s", a.Status, a.Body)
		}
		h.Stop(t)
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
		return token
	}
	first := token(apptest.Start(t, o))
	if second := token(apptest.Start(t, o)); first != second || len(first) != 32 {
		t.Errorf("the tokens are of %d and %d characters, want the same of 32", len(first), len(second))
	}
}

// TestWayToAService: the proxy leads to a service, and keeps the hub's cookies from it.
func TestWayToAService(t *testing.T) {
	t.Parallel()
	reached := make(chan *http.Request, 10)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r }))
	t.Cleanup(upstream.Close)
	h := apptest.Start(t, apptest.Options{Config: serviceClasses(map[string]any{"name": "ext", "url": upstream.URL, "api_token": "token-of-ext"})})
	b := h.Browser(t).SignIn("ada")
	b.SetCookie("service-ext", "own")
	b.SetCookie("jupyterhub-user-bob", "another's")
	if a := b.Get("/services/ext/page?x=1"); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	r := <-reached
	var names []string
	for _, c := range r.Cookies() {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if r.URL.String() != "/services/ext/page?x=1" || !slices.Contains(names, "service-ext") || !slices.Contains(names, "jupyterhub-session-id") ||
		slices.Contains(names, "jupyterhub-hub-login") || slices.Contains(names, "jupyterhub-user-bob") {
		t.Errorf("the service is asked for %s with %q", r.URL, names)
	}
	for path, want := range map[string]string{
		"/services/ext": "/services/ext/", "/services/ext?a=b": "/services/ext/?a=b", "/services/none": "/services/none/", "/services/none/": "/hub/services/none/",
	} {
		if a := b.Get(path); a.Header.Get("Location") != want {
			t.Errorf("%s leads to %q, want %q", path, a.Header.Get("Location"), want)
		}
	}
}

// TestMenuOfServices: everybody is shown the services that he may open.
func TestMenuOfServices(t *testing.T) {
	t.Parallel()
	service := func(name, url string, display bool) any {
		return map[string]any{"name": name, "url": url, "display": display, "api_token": "token-of-" + name}
	}
	h := apptest.Start(t, apptest.Options{Config: serviceClasses(
		service("shown", "http://127.0.0.1:9", true), service("hidden", "http://127.0.0.1:9", false), service("calling", "", true),
	)})
	for name, want := range map[string]bool{"ada": true, "bob": false} {
		page := h.Browser(t).SignIn(name).Get("/hub/home").Body
		if strings.Contains(page, `href="/services/shown/"`) != want || strings.Contains(page, "/services/hidden/") || strings.Contains(page, "/services/calling/") {
			t.Errorf("the menu of %s is wrong:\n%s", name, page)
		}
	}
}
