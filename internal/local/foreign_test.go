package local_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
)

// startForeign starts a process as JupyterHub does, without any mark of ours, and gives the state that JupyterHub keeps of it.
// Nothing asks it anything, so any program will do.
func startForeign(t *testing.T, environ ...string) json.RawMessage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	cmd.Env = append([]string{
		"JUPYTERHUB_API_TOKEN=" + canary, "JUPYTERHUB_USER=ada", "JUPYTERHUB_SERVER_NAME=lab", "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:4567/user/ada/lab/",
		"JUPYTERHUB_SERVICE_PREFIX=/user/ada/lab/", "JUPYTERHUB_API_URL=http://127.0.0.1:8081/hub/api",
	}, environ...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait() // it is ended by a signal
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-gone
	})
	return json.RawMessage(fmt.Sprintf(`{"pid": %d}`, cmd.Process.Pid))
}

func TestFindForeign(t *testing.T) {
	t.Parallel()
	key := hub.ServerKey{User: "ada", Server: "lab"}
	state := startForeign(t)
	found, err := local.FindForeign(state, key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if found.Address != "http://127.0.0.1:4567" || found.APIURL != "http://127.0.0.1:8081/hub/api" || found.Token.Reveal() != canary {
		t.Errorf("found %+v", found)
	}
	p := newGround(t).hub(t)
	ref := hub.Ref{Key: key, RunID: "imported", State: found.State}
	if status, err := p.Poll(t.Context(), ref); err != nil || status.Life != hub.Running || status.Address != found.Address {
		t.Errorf("the adopted server is %+v, %v", status, err)
	}
	reused := strings.Replace(string(found.State), `"start_ticks":`, `"start_ticks":1`, 1)
	if status, err := p.Poll(t.Context(), hub.Ref{Key: key, RunID: "other", State: json.RawMessage(reused)}); err != nil || status.Life != hub.Ended {
		t.Errorf("a process that was started at another time is %+v, %v", status, err)
	}
	if err := p.Stop(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	until(t, "the process is gone", func() bool {
		_, err := local.FindForeign(state, key, time.Time{})
		return hub.CodeOf(err) == hub.NotFound
	})
}

func TestFindForeignRefuses(t *testing.T) {
	t.Parallel()
	key := hub.ServerKey{User: "ada", Server: "lab"}
	state := startForeign(t)
	for name, c := range map[string]struct {
		state   json.RawMessage
		key     hub.ServerKey
		started time.Time
		words   string
	}{
		"nothing is kept":      {json.RawMessage(`{}`), key, time.Time{}, "nothing is known"},
		"no JSON object":       {json.RawMessage(`7`), key, time.Time{}, "nothing is known"},
		"no process":           {json.RawMessage(`{"pid": 2147483600}`), key, time.Time{}, "has ended"},
		"another user":         {state, hub.ServerKey{User: "bea", Server: "lab"}, time.Time{}, "another one has its number"},
		"another server":       {state, hub.ServerKey{User: "ada"}, time.Time{}, "another one has its number"},
		"a kernel":             {startForeign(t, "JPY_PARENT_PID=1"), key, time.Time{}, "another one has its number"},
		"not a server":         {json.RawMessage(`{"pid": 1}`), key, time.Time{}, ""},
		"started long before":  {state, key, time.Now().Add(time.Hour), "not started when"},
		"started long after":   {state, key, time.Now().Add(-2 * time.Hour), "not started when"},
		"negative process id":  {json.RawMessage(`{"pid": -1}`), key, time.Time{}, "nothing is known"},
		"too large process id": {json.RawMessage(`{"pid": 1e99}`), key, time.Time{}, "nothing is known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := local.FindForeign(c.state, c.key, c.started)
			if hub.CodeOf(err) != hub.NotFound || !strings.Contains(fmt.Sprint(err), c.words) {
				t.Errorf("error is %v, want words %q", err, c.words)
			}
		})
	}
}
