//go:build e2e

package crash_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/store/storetest"
)

// TestTwoHubs runs two hubs on one PostgreSQL and kills whichever works on a start, in its middle. The other one must end the
// start, once, and whoever watches it there must hear the end; both hubs' proxies lead to the server.
func TestTwoHubs(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"token.made", "process.kept", "process.started", "ready.before"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			configure(t, dir, storetest.Postgres(t))
			a, b := start(t, dir, point), start(t, dir, point)
			heardOnA, heardOnB := follow(a), follow(b)
			a.call(http.MethodPost, "/users/ada/server", nil)
			survivor, heard := b, heardOnB
			select {
			case <-a.dead:
				a.awaitKill()
			case <-b.dead:
				b.awaitKill()
				survivor, heard = a, heardOnA
			case <-time.After(20 * time.Second):
				t.Fatal("no hub reached the point where it kills itself")
			}
			survivor.eventually(40*time.Second, "the server is ready", survivor.ready)
			oneOfEach(t, survivor, dir)
			select {
			case end := <-heard:
				if end != "ready" {
					t.Errorf("the watcher on the other hub heard %q, want ready", end)
				}
			case <-time.After(10 * time.Second):
				t.Error("the watcher on the other hub hears nothing")
			}

			third := start(t, dir, "")
			if status := third.send(http.MethodGet, "user/ada/api", nil); status != http.StatusOK {
				t.Errorf("through a third hub's proxy: status %d", status)
			}
			stopAndLook(t, third, dir)
			survivor.eventually(5*time.Second, "the other hub's proxy forgets the route", func() bool {
				return survivor.send(http.MethodGet, "user/ada/api", nil) != http.StatusOK
			})
		})
	}
}

// follow watches ada's start on a hub, and gives how it ended.
func follow(h *hub) <-chan string {
	heard := make(chan string, 1)
	go func() { heard <- watch(h) }()
	return heard
}

// watch reads the progress of ada's start until its last event, and gives how it ended. The start may not be known yet when
// it is first asked for.
func watch(h *hub) string {
	deadline := time.Now().Add(40 * time.Second)
	for time.Now().Before(deadline) {
		if end := watchOnce(h); end != "" {
			return end
		}
		time.Sleep(50 * time.Millisecond)
	}
	return "nothing"
}

func watchOnce(h *hub) string {
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.url+"hub/api/users/ada/server/progress", nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "token "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var event struct{ Ready, Failed bool }
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			return err.Error()
		}
		if event.Ready {
			return "ready"
		}
		if event.Failed {
			return "failed"
		}
	}
	return ""
}
