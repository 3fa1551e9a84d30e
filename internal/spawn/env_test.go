package spawn_test

import (
	"net/http"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
)

// TestEnvironment holds what a server is told against JupyterHub's list, for a named server of a user whose name needs escaping.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	told := make(chan map[string]string, 1)
	w := open(t, nil, func(c *spawn.Config) {
		c.BaseURL, c.PublicURL, c.APIURL = "/pre/", "https://hub.example.org/pre/", "http://127.0.0.1:8081/pre/hub/api"
		c.Server = spawn.Server{
			DefaultURL: "/lab/tree/{username}", NotebookDir: "/home/{username}", Debug: true, MemLimit: 1 << 30, CPULimit: 0.5,
			Environment: map[string]string{"WHO": "{username}/{servername}", "JUPYTERHUB_DEBUG": "no"},
		}
	})
	w.fake.Serve(func(s hub.Spec) http.Handler {
		told <- s.Env
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	})
	if _, err := w.db.CreateUser(t.Context(), "j.o_e@x y", false, time.Now()); err != nil {
		t.Fatal(err)
	}
	srv := w.started(hub.ServerKey{User: "j.o_e@x y", Server: "lab"})
	token := "token-of-" + srv.RunID
	want := map[string]string{
		"JUPYTERHUB_API_TOKEN": token, "JPY_API_TOKEN": token,
		"JUPYTERHUB_CLIENT_ID":                   "jupyterhub-user-j.o_e%40x%20y-lab",
		"JUPYTERHUB_HOST":                        "",
		"JUPYTERHUB_OAUTH_CALLBACK_URL":          "/pre/user/j.o_e@x%20y/lab/oauth_callback",
		"JUPYTERHUB_USER":                        "j.o_e@x y",
		"JUPYTERHUB_SERVER_NAME":                 "lab",
		"JUPYTERHUB_API_URL":                     "http://127.0.0.1:8081/pre/hub/api",
		"JUPYTERHUB_ACTIVITY_URL":                "http://127.0.0.1:8081/pre/hub/api/users/j.o_e@x%20y/activity",
		"JUPYTERHUB_BASE_URL":                    "/pre/",
		"JUPYTERHUB_SERVICE_PREFIX":              "/pre/user/j.o_e@x%20y/lab/",
		"JUPYTERHUB_SERVICE_URL":                 "http://127.0.0.1:0/pre/user/j.o_e@x%20y/lab/",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES":         `["access:servers!server=j.o_e@x y/lab","access:servers!user=j.o_e@x y"]`,
		"JUPYTERHUB_OAUTH_SCOPES":                `["access:servers!server=j.o_e@x y/lab","access:servers!user=j.o_e@x y"]`,
		"JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
		"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED":  "0",
		"JUPYTERHUB_PUBLIC_URL":                  "https://hub.example.org/pre/user/j.o_e@x%20y/lab/",
		"JUPYTERHUB_PUBLIC_HUB_URL":              "https://hub.example.org/pre/hub/",
		"JUPYTERHUB_ROOT_DIR":                    "/home/j.o_e@x y",
		"JUPYTERHUB_DEFAULT_URL":                 "/lab/tree/j.o_e@x y",
		"JUPYTERHUB_DEBUG":                       "no",
		"MEM_LIMIT":                              "1073741824",
		"CPU_LIMIT":                              "0.5",
		"WHO":                                    "j.o_e@x y/lab",
	}
	got := <-told
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s = %q, want %q", name, got[name], value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s = %q is not expected", name, got[name])
		}
	}
}
