package api_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

// impatient is a hub that waits for no start and no stop.
func impatient(t *testing.T, spawner hub.Spawner, more map[string]any) *caller {
	t.Helper()
	settings := map[string]any{"tornado_settings": map[string]any{"slow_spawn_timeout": 0, "slow_stop_timeout": 0}}
	maps.Copy(settings, more)
	c := admin(t, apptest.Start(t, apptest.Options{Spawner: spawner, Config: map[string]map[string]any{"JupyterHub": settings}}))
	c.expect("POST", "/users", `{"usernames": ["ada", "bob"]}`, 201, "")
	return c
}

// eventually asks again until an answer has a status and a part.
func (c *caller) eventually(method, path string, status int, part string) {
	c.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		a := c.send(method, path, "")
		if a.Status == status && strings.Contains(a.Body, part) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s %s: status %d\n%s\nnever %d with %q", method, path, a.Status, a.Body, status, part)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// gate keeps a moment of the spawner waiting until it is opened.
func gate(f *spawntest.Fake, op spawntest.Op) (release func()) {
	opened := make(chan struct{})
	f.On(op, func(ctx context.Context, _ hub.Ref) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() {
		f.On(op, nil)
		close(opened)
	}
}

func TestSlowServer(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := impatient(t, fake, nil)
	start := gate(fake, spawntest.OpStart)
	c.expect("POST", "/users/ada/server", "", 202, "")
	c.expect("POST", "/users/ada/server", "", 202, "")
	c.expect("GET", "/users/ada/server", "", 200, `"pending":"spawn"`)
	c.expect("GET", "/users/ada", "", 200, `"pending":"spawn"`)
	c.expect("GET", "/users?state=active", "", 200, `"name":"ada"`)
	if a := c.expect("GET", "/users?state=ready", "", 200, "[]"); a.Body != "[]" {
		t.Errorf("ready before it is: %s", a.Body)
	}
	start()
	c.eventually("GET", "/users/ada/server", 200, `"ready":true`)
	if n := fake.Count(spawntest.OpStart, hub.ServerKey{User: "ada"}); n != 1 {
		t.Errorf("started %d times", n)
	}

	stop := gate(fake, spawntest.OpStop)
	c.expect("DELETE", "/users/ada/server", "", 202, "")
	c.eventually("GET", "/users/ada/server", 200, `"pending":"stop"`)
	c.expect("DELETE", "/users/ada/server", "", 202, "")
	c.expect("POST", "/users/ada/server", "", 400, "ada is pending stop")
	c.expect("DELETE", "/users/ada", "", 400, "ada's server is in the process of stopping, please wait.")
	stop()
	c.eventually("GET", "/users/ada/server", 200, `"stopped":true`)
	c.expect("DELETE", "/users/ada", "", 204, "")
}

// TestRemovalGoesOn holds that a named server goes although nobody waits for its stop any more.
func TestRemovalGoesOn(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := impatient(t, fake, nil)
	c.expect("POST", "/users/ada/servers/lab", "", 202, "")
	c.eventually("GET", "/users/ada/servers/lab", 200, `"ready":true`)
	stop := gate(fake, spawntest.OpStop)
	c.expect("DELETE", "/users/ada/servers/lab", `{"remove": true}`, 202, "")
	stop()
	c.eventually("GET", "/users/ada/servers/lab", 404, "ada has no server named 'lab'")
}

// TestRemovalEndsWithTheHub holds that a hub stops although a removal waits.
func TestRemovalEndsWithTheHub(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := impatient(t, fake, nil)
	c.expect("POST", "/users/ada/servers/lab", "", 202, "")
	c.eventually("GET", "/users/ada/servers/lab", 200, `"ready":true`)
	gate(fake, spawntest.OpStop)
	c.expect("DELETE", "/users/ada/servers/lab", `{"remove": true}`, 202, "")
}

// unwatched is a spawner that does not tell when runs end.
type unwatched struct{ hub.Spawner }

func TestDeadServerIsStartedAnew(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := admin(t, apptest.Start(t, apptest.Options{Spawner: unwatched{fake}}))
	c.expect("POST", "/users/ada", "", 201, "")
	c.expect("POST", "/users/ada/server", "", 201, "")
	c.expect("POST", "/users/ada/server", "", 400, "ada is already running")
	first := fake.Running()[0]
	if !fake.Crash(first, 137) {
		t.Fatal("there is nothing to crash")
	}
	c.expect("POST", "/users/ada/server", "", 201, "")
	if now := fake.Running(); len(now) != 1 || now[0] == first {
		t.Errorf("runs %v after %s crashed", now, first)
	}
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := admin(t, apptest.Start(t, apptest.Options{Spawner: fake}))
	c.expect("POST", "/users/ada", "", 201, "")
	fake.Fail(spawntest.OpStart, hub.Errorf(hub.Forbidden, "you may not have <b>this</b> image"))
	c.expect("POST", "/users/ada/server", "", 403, `"message":"you may not have <b>this</b> image"`)
	a := c.expect("GET", "/users/ada/server/progress", "", 200, `"failed":true`)
	if strings.Contains(a.Body, "<b>") || !strings.Contains(a.Body, "Spawn failed: you may not have") || strings.Contains(a.Body, `"ready":true`) {
		t.Errorf("the story is %s", a.Body)
	}
	fake.Fail(spawntest.OpStart, nil)
	c.expect("POST", "/users/ada/server", "", 201, "")
}

func TestLimitOfServers(t *testing.T) {
	t.Parallel()
	c := impatient(t, nil, map[string]any{"active_server_limit": 1})
	c.expect("POST", "/users/ada/server", "", 202, "")
	c.expect("POST", "/users/bob/server", "", 429, "Active user limit exceeded. Try again in a few minutes.")
}

func TestOptionsAndNames(t *testing.T) {
	t.Parallel()
	c := admin(t, apptest.Start(t, apptest.Options{}))
	c.expect("POST", "/users/ada", "", 201, "")
	at := "/users/ada/servers/lab"
	c.expect("PUT", at, `{"user_options": {"size": 2}, "display_name": "Lab"}`, 201, `"user_options":{"size":2}`)
	c.expect("PUT", "/users/nobody/servers/lab", "", 404, "No such user: nobody")
	c.expect("POST", at, `{"display_name": "New lab"}`, 201, "")
	a := c.expect("GET", at, "", 200, `"display_name":"New lab"`)
	if !strings.Contains(a.Body, `"user_options":{"size":2}`) {
		t.Errorf("the options are lost: %s", a.Body)
	}
	c.expect("DELETE", at, "", 204, "")
	c.expect("POST", at, `{"user_options": {}}`, 201, "")
	c.expect("GET", at, "", 200, `"user_options":{}`)
	c.expect("DELETE", at, `{"remove": "yes"}`, 400, "remove must be true or false")
	c.expect("POST", "/users/ada/servers/new", `{"display_name": " x"}`, 400, "Invalid display_name: ' x'")
	c.expect("POST", "/users/ada/servers/", `null`, 201, "")

	off := admin(t, apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"allow_named_servers": false}}}))
	off.expect("POST", "/users/ada", "", 201, "")
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		off.expect(method, at, "", 400, "Named servers are not enabled.")
	}
}

// TestProgressEndsWithItsReader holds that a stream that nobody reads ends, so that the hub can stop.
func TestProgressEndsWithItsReader(t *testing.T) {
	t.Parallel()
	fake := spawntest.NewFake()
	c := impatient(t, fake, nil)
	start := gate(fake, spawntest.OpStart)
	defer start()
	c.expect("POST", "/users/ada/server", "", 202, "")
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.b.At("/hub/api/users/ada/server/progress").String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+c.token)
	resp, err := c.b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 2)
	if _, err := resp.Body.Read(first); err != nil || string(first) != "\n\n" {
		t.Errorf("the stream begins with %q, %v", first, err)
	}
	leave()
}
