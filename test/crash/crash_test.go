//go:build e2e

package crash_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"berdlhub/internal/spawn/spawntest"
)

// The points of a start and of a stop, in the order in which a hub reaches them.
var (
	startPoints = []string{
		"token.before", "token.planned", "token.exists", "token.made",
		"client.before", "client.planned", "client.exists", "client.made",
		"process.before", "process.planned", "process.kept", "process.started", "process.exists", "process.made",
		"ready.before", "ready.after",
	}
	stopPoints = []string{
		"stopping.stored",
		"process.removing", "process.removed", "process.gone",
		"client.removing", "client.removed", "client.gone",
		"token.removing", "token.removed", "token.gone",
		"stopped.stored",
	}
)

// TestKilledInAStart kills the hub at each point of a start. The next hub must end the start, with one process and one token.
func TestKilledInAStart(t *testing.T) {
	t.Parallel()
	for _, point := range startPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			first := start(t, dir, point)
			first.call(http.MethodPost, "/users/ada/server", nil)
			first.awaitKill()

			second := start(t, dir, "")
			second.eventually(20*time.Second, "the server is ready", second.ready)
			oneOfEach(t, second, dir)
			stopAndLook(t, second, dir)
		})
	}
}

// TestKilledInAStop kills the hub at each point of a stop. The next hub must end the stop, with nothing left over.
func TestKilledInAStop(t *testing.T) {
	t.Parallel()
	for _, point := range stopPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			first := start(t, dir, point)
			first.call(http.MethodPost, "/users/ada/server", nil)
			first.eventually(20*time.Second, "the server is ready", first.ready)
			first.call(http.MethodDelete, "/users/ada/server", nil)
			first.awaitKill()

			second := start(t, dir, "")
			second.eventually(20*time.Second, "the server is stopped", second.quiet)
			nothingLeft(t, second, dir)
		})
	}
}

// TestKilledWhileItRuns kills the hub under a running server. The next hub must find the same process.
func TestKilledWhileItRuns(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, dir, "")
	first.call(http.MethodPost, "/users/ada/server", nil)
	first.eventually(20*time.Second, "the server is ready", first.ready)
	var before, after spawntest.Answer
	if status := first.send(http.MethodGet, "user/ada/api", &before); status != http.StatusOK {
		t.Fatalf("through the first hub's proxy: status %d", status)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.awaitKill()

	second := start(t, dir, "")
	if status := second.send(http.MethodGet, "user/ada/api", &after); status != http.StatusOK {
		t.Fatalf("through the next hub's proxy, at once: status %d", status)
	}
	if before.Instance != after.Instance {
		t.Errorf("another process answers: %+v, then %+v", before, after)
	}
	oneOfEach(t, second, dir)
	stopAndLook(t, second, dir)
}

// TestEndedWhileTheHubWasAway ends a server while no hub runs. The next hub must notice and clean up.
func TestEndedWhileTheHubWasAway(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, dir, "")
	first.call(http.MethodPost, "/users/ada/server", nil)
	first.eventually(20*time.Second, "the server is ready", first.ready)
	var me spawntest.Answer
	first.send(http.MethodGet, "user/ada/api", &me)
	first.stop()
	process, err := os.FindProcess(me.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}

	second := start(t, dir, "")
	second.eventually(20*time.Second, "the server is stopped", second.quiet)
	nothingLeft(t, second, dir)
}

// folder makes the folder of a hub with SQLite.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	configure(t, dir, "sqlite:///"+filepath.Join(dir, "hub.sqlite"))
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "hub.log"))
			t.Logf("log of the hubs:\n%s", log)
		}
	})
	return dir
}

// oneOfEach says that a running server exists once: one process, one token, reached through the proxy.
func oneOfEach(t *testing.T, h *hub, dir string) {
	t.Helper()
	if got := processes(t, dir); len(got) != 1 {
		t.Errorf("processes %v, want one", got)
	}
	if got := h.tokens(); got != 1 {
		t.Errorf("%d tokens, want one", got)
	}
	if status := h.send(http.MethodGet, "user/ada/api", nil); status != http.StatusOK {
		t.Errorf("through the proxy: status %d", status)
	}
}

func stopAndLook(t *testing.T, h *hub, dir string) {
	t.Helper()
	h.call(http.MethodDelete, "/users/ada/server", nil)
	h.eventually(20*time.Second, "the server is stopped", h.quiet)
	nothingLeft(t, h, dir)
}

// nothingLeft says that of a stopped server nothing is left.
func nothingLeft(t *testing.T, h *hub, dir string) {
	t.Helper()
	if got := processes(t, dir); len(got) != 0 {
		t.Errorf("processes %v are left over", got)
	}
	if got := h.tokens(); got != 0 {
		t.Errorf("%d tokens are left over", got)
	}
	if status := h.send(http.MethodGet, "user/ada/api", nil); status == http.StatusOK {
		t.Error("the proxy still leads to the server")
	}
}
