package hub

import (
	"encoding/json"
	"time"
)

// ServerKey names a server: whose it is, and its name (empty for the default server).
type ServerKey struct {
	User   string
	Server string
}

// String gives USER for a default server and USER:NAME for a named one, as JupyterHub's messages do.
func (k ServerKey) String() string {
	if k.Server == "" {
		return k.User
	}
	return k.User + ":" + k.Server
}

// Full gives USER/NAME, the form in scopes; a default server ends in the slash.
func (k ServerKey) Full() string { return k.User + "/" + k.Server }

// Wanted is what people asked a server to be.
type Wanted string

// The two things that a server can be asked to be.
const (
	WantRunning Wanted = "running"
	WantStopped Wanted = "stopped"
)

// Phase is where a server is on its way to what is wanted.
//
//	stopped ──start──▶ starting ──answers──▶ ready
//	   ▲                  │  error,            │ stop, cull,
//	   │                  ▼  stop, time out    ▼ process gone
//	   └──all gone──── stopping ◀──────────────┘
//
// A start that failed goes through stopping too, and ends in failed instead of stopped, with a reason.
type Phase string

// The phases of a server. Queued is starting that waits for a place under concurrent_spawn_limit.
const (
	Stopped  Phase = "stopped"
	Queued   Phase = "queued"
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopping Phase = "stopping"
	Failed   Phase = "failed"
)

// Server is a user's single-user server as the database knows it.
type Server struct {
	ID           int64
	UserID       int64
	Key          ServerKey
	DisplayName  string
	Wanted       Wanted
	Phase        Phase
	RunID        string          // current or last run; empty when it never ran
	Options      json.RawMessage // user options of the current or next run; nil when none were ever given
	State        json.RawMessage // the spawner's own state, stored before it is used; nil when none
	Address      string          // http://host:port once known
	Reason       string          // why it failed or was stopped, for a person
	FailStatus   int             // HTTP status of the failure for pages and API clients; 0: none
	ClaimOwner   string          // replica that works on it; empty: nobody
	ClaimExpires time.Time
	Requested    time.Time // when the current run was asked for
	Started      time.Time // start of the current run; zero when stopped
	ReadySince   time.Time // zero unless ready
	LastActivity time.Time
	Created      time.Time
	Version      int64 // grows with every change of wanted, phase or run
}

// Active says whether a run exists: pending or ready.
func (s *Server) Active() bool {
	return s.Phase == Queued || s.Phase == Starting || s.Phase == Ready || s.Phase == Stopping
}

// Pending gives JupyterHub's word for a server on its way: spawn, stop, or empty.
// JupyterHub REST API: field pending of the server model.
func (s *Server) Pending() string {
	switch s.Phase {
	case Queued, Starting:
		return "spawn"
	case Stopping:
		return "stop"
	default:
		return ""
	}
}

// EntryState is how far a journal entry is.
type EntryState string

// The states of a journal entry, in order.
const (
	Planned EntryState = "planned" // may exist outside: the hub was about to make it
	Made    EntryState = "made"    // exists, with its identity
	Gone    EntryState = "gone"    // removed, and known to be
)

// Entry is one thing outside the servers table that a run owns.
type Entry struct {
	ID       int64
	ServerID int64
	RunID    string
	Kind     string // token, client, process, pod, route, spark, …
	State    EntryState
	Identity json.RawMessage // what is needed to find and remove it; nil until made
	Updated  time.Time
}
