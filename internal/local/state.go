package local

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"

	"berdlhub/internal/hub"
)

// state is what is kept about a run. JupyterHub's own LocalProcessSpawner keeps {"pid": N} only, which is understood too.
type state struct {
	Run   string `json:"run,omitempty"`
	IP    string `json:"ip,omitempty"`
	Port  int    `json:"port,omitempty"`
	Home  string `json:"home,omitempty"`
	Log   string `json:"log,omitempty"`
	PID   int    `json:"pid,omitempty"`
	Start uint64 `json:"start_ticks,omitempty"` // clock ticks since the machine's boot
	Boot  string `json:"boot_id,omitempty"`

	Foreign bool `json:"foreign,omitempty"` // JupyterHub started it, so it has no mark
}

// parseState reads what was kept about a run; nil when nothing was.
func parseState(ref hub.Ref) (*state, error) {
	if len(ref.State) == 0 || string(ref.State) == "null" {
		return nil, nil
	}
	var st state
	if err := json.Unmarshal(ref.State, &st); err != nil {
		return nil, hub.Wrap(hub.Unavailable, fmt.Errorf("read the spawner state of run %s: %w", ref.RunID, err),
			"What the hub keeps about this server cannot be read. Please tell the administrators.")
	}
	if st == (state{}) || (st.Run != "" && st.Run != ref.RunID) { // nothing, or left from an earlier run
		return nil, nil
	}
	return &st, nil
}

func (s *state) encode() json.RawMessage {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts and numbers only: cannot be
	}
	return text
}

// address is where the hub reaches the server.
func (s *state) address() string {
	return "http://" + net.JoinHostPort(reachable(s.IP), strconv.Itoa(s.Port))
}

// reachable turns "all interfaces" into this machine.
func reachable(ip string) string {
	switch ip {
	case "", "0.0.0.0", "*":
		return "127.0.0.1"
	case "::", "[::]":
		return "::1"
	default:
		return ip
	}
}

// adopt finds the living process of a run by what was kept about it; nil when there is none. It completes st.
func (p *Processes) adopt(ref hub.Ref, st *state) (*process, error) {
	switch {
	case st.PID == 0:
		return p.adoptMarked(ref, st)
	case st.Boot == "":
		return p.adoptForeign(ref, st)
	case st.Boot != p.boot:
		return nil, nil
	}
	proc, err := open(st.PID)
	if proc == nil || err != nil {
		return nil, err
	}
	// The start time is counted in hundredths of a second, so the mark is needed too, unless the program has overwritten its environment.
	e := environ(st.PID)
	if proc.start != st.Start || (e.readable() && !st.bears(e, ref.RunID)) {
		proc.close()
		return nil, nil
	}
	return proc, nil
}

// bears tells whether an environment is that of the run: by the mark, or for a server that JupyterHub started by what it gives to every server.
func (s *state) bears(e environment, runID string) bool {
	if s.Foreign {
		return e.get("JUPYTERHUB_SERVICE_PREFIX") != ""
	}
	return e.get(runMark) == runID
}

// adoptMarked finds a process that was started just before the hub died, by its mark.
func (p *Processes) adoptMarked(ref hub.Ref, st *state) (*process, error) {
	found, err := scan(func(s stat, e environment) bool { return s.session == s.pid && p.marked(e, ref.RunID) })
	if err != nil {
		return nil, err
	}
	// What a server starts may have a session of its own and inherits the mark, but it is younger than the server.
	slices.SortFunc(found, func(a, b stat) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.pid, b.pid)) })
	for _, s := range found {
		proc, err := open(s.pid)
		if err != nil {
			return nil, err
		}
		if proc == nil {
			continue
		}
		if proc.start != s.start {
			proc.close()
			continue
		}
		st.PID, st.Start, st.Boot = s.pid, s.start, p.boot
		if st.Port == 0 {
			st.IP, st.Port = listensOn(environ(s.pid))
		}
		return proc, nil
	}
	return nil, nil
}

// listensOn reads where a server was told to listen; the port is 0 when that is not known.
func listensOn(e environment) (ip string, port int) {
	service, err := url.Parse(e.get("JUPYTERHUB_SERVICE_URL"))
	if err != nil || service.Host == "" {
		return "", 0
	}
	port, err = strconv.Atoi(service.Port())
	if err != nil {
		port = 80
	}
	return service.Hostname(), port
}

func (p *Processes) marked(e environment, runID string) bool {
	return e.get(runMark) == runID && e.get(hubMark) == p.c.HubID
}

// adoptForeign finds a server that JupyterHub itself started. Its process id alone proves nothing, but its environment does.
func (p *Processes) adoptForeign(ref hub.Ref, st *state) (*process, error) {
	proc, err := open(st.PID)
	if proc == nil || err != nil {
		return nil, err
	}
	e := environ(st.PID)
	ip, port := listensOn(e)
	if port == 0 || e.get("JUPYTERHUB_USER") != ref.Key.User || e.get("JUPYTERHUB_SERVER_NAME") != ref.Key.Server {
		proc.close()
		return nil, nil
	}
	st.IP, st.Port, st.Home = ip, port, e.get("HOME")
	st.Start, st.Boot = proc.start, p.boot
	return proc, nil
}
