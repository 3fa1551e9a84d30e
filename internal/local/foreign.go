package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"berdlhub/internal/hub"
)

// Foreign is a single-user server that JupyterHub's LocalProcessSpawner has started on this machine, and that still runs.
type Foreign struct {
	State   json.RawMessage // a run with this state is adopted by Processes
	Address string          // http://host:port
	APIURL  string          // where the server reaches its hub
	Token   hub.Secret      // the server's API token
}

// ticksPerSecond is what /proc counts in, on every Linux that Go runs on.
const ticksPerSecond = 100

// A process is not taken for a server that was started long before or after it.
const (
	earliest = -time.Minute
	latest   = time.Hour
)

// FindForeign finds a server by the state that JupyterHub kept of it, {"pid": N}. The process id alone proves nothing: the process must have
// the environment of this user's server, and have been started when the server was (a zero time is not looked at).
// Errors: hub.NotFound with the reason, in words that follow "because".
func FindForeign(kept json.RawMessage, key hub.ServerKey, started time.Time) (*Foreign, error) {
	var st state
	if err := json.Unmarshal(kept, &st); err != nil || st.PID <= 0 {
		return nil, hub.Errorf(hub.NotFound, "nothing is known by which its process could be found")
	}
	proc, err := open(st.PID)
	if err != nil {
		return nil, err
	}
	if proc == nil {
		return nil, hub.Errorf(hub.NotFound, "its process has ended")
	}
	defer proc.close()
	e := environ(st.PID)
	ip, port := listensOn(e)
	if err := recognize(proc, e, key, started); err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	st = state{IP: ip, Port: port, Home: e.get("HOME"), PID: st.PID, Start: proc.start, Boot: boot, Foreign: true}
	return &Foreign{State: st.encode(), Address: st.address(), APIURL: e.get("JUPYTERHUB_API_URL"), Token: hub.Secret(e.get("JUPYTERHUB_API_TOKEN"))}, nil
}

// recognize refuses a process that is not the one of a user's server.
func recognize(proc *process, e environment, key hub.ServerKey, started time.Time) error {
	if len(e) == 0 || !e.readable() {
		return hub.Errorf(hub.NotFound, "the environment of process %d cannot be read: import as the user who ran JupyterHub", proc.pid)
	}
	_, port := listensOn(e)
	isKernel := e.get("JPY_PARENT_PID") != "" // it has inherited the rest
	if port == 0 || e.get("JUPYTERHUB_USER") != key.User || e.get("JUPYTERHUB_SERVER_NAME") != key.Server || isKernel {
		return hub.Errorf(hub.NotFound, "its process has ended, and another one has its number")
	}
	if started.IsZero() {
		return nil
	}
	boot, err := bootTime()
	if err != nil {
		return err
	}
	at := boot.Add(time.Duration(proc.start) * time.Second / ticksPerSecond) //nolint:gosec // fits for centuries
	if late := at.Sub(started); late < earliest || late > latest {
		return hub.Errorf(hub.NotFound, "process %d was not started when the server was", proc.pid)
	}
	return nil
}

// bootTime is when the machine was started.
func bootTime() (time.Time, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, fmt.Errorf("find out when the machine was started: %w", err)
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			seconds, err := strconv.ParseInt(string(bytes.TrimSpace(rest)), 10, 64)
			if err != nil {
				return time.Time{}, fmt.Errorf("find out when the machine was started: %w", err)
			}
			return time.Unix(seconds, 0).UTC(), nil
		}
	}
	return time.Time{}, errors.New("find out when the machine was started: /proc/stat does not say")
}
