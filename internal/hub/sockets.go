package hub

import (
	"context"
	"encoding/json"
	"net/http"
)

// Authenticator finds out who a person is. Implementations are safe for concurrent use and bound every outside call by a timeout.
type Authenticator interface {
	// SignIn reads the request of the sign-in page (its cookies, or its form, which is already parsed) and says who it is.
	// Errors: Unauthorized when the proof is missing or not valid, Forbidden when the person is known but may not come in
	// (the message says why and whom to ask), Unavailable when the service behind it does not answer properly.
	SignIn(ctx context.Context, r *http.Request) (*Identity, error)
	// Refresh asks again whether an identity that was given earlier still holds; State is what SignIn or an earlier Refresh returned.
	// A nil Identity without an error means that nothing changed. Errors as SignIn's: Unauthorized and Forbidden end the session,
	// Unavailable does not.
	Refresh(ctx context.Context, id *Identity) (*Identity, error)
}

// Prober is an Authenticator or a Spawner that can ask what it depends on whether it works, without a user's session.
type Prober interface {
	// Probe asks and returns when it knows or the context ends. Errors: Unavailable, with words for an administrator: what does
	// not work and what to do. They hold no secret and no address, because anybody may read them.
	Probe(ctx context.Context) error
}

// SignInPage is an Authenticator that wants its own sign-in page instead of a form with name and password.
type SignInPage interface {
	// SignInView says what the sign-in page shows to this request; next is where the user wants to go, already checked.
	SignInView(r *http.Request, next string) SignInView
}

// SignInView is what a sign-in page without a name and password shows.
type SignInView struct {
	Service    string // name of the sign-in service, for example KBase
	LoginURL   string // where to go to get a session there, with the way back in it
	HasSession bool   // the browser brought a session of the service
	AutoSubmit bool   // submit at once; set only when the user has just come back from LoginURL
	SwitchURL  string // where to end the session there
}

// MFARequired is the cause inside a Forbidden error when the sign-in service says that no second factor was used.
type MFARequired struct {
	Status string // what the service said, for example NotUsed or Unknown
}

// Error says that a second factor is needed.
func (e *MFARequired) Error() string {
	return "the sign-in service reports no second factor (" + e.Status + ")"
}

// Ref names one run of a server and carries what the spawner stored about it.
type Ref struct {
	Key    ServerKey
	UserID int64
	RunID  string
	State  json.RawMessage // what Start handed to keep; nil when the hub died before
}

// Spec is everything that a spawner needs to start a run.
type Spec struct {
	Ref
	Options    json.RawMessage   // user options; nil when none
	Env        map[string]string // environment of the server, tokens included; never logged
	Prefix     string            // URL path of the server, for example /user/ada/
	Groups     []string          // groups of the user
	AuthState  map[string]any    // what the authenticator knows; never logged
	DefaultURL string            // where the server leads, empty for its own default
}

// Started is what a spawner knows once the server's process or pod exists.
type Started struct {
	Address string          // http://host:port
	State   json.RawMessage // to be stored with the run and handed back in Ref
}

// Life says whether a run is alive.
type Life string

// What Poll can find.
const (
	Running Life = "running"
	Ended   Life = "ended" // it ran and ended, or was never made
)

// Status is what a spawner finds when it looks at a run.
type Status struct {
	Life     Life
	Address  string   // current address when running
	ExitCode *int     // nil when not known
	Reason   string   // why it ended, for a person; empty when running
	Log      []string // last lines of its log, at most 50, without secrets
}

// Spawner starts and stops single-user servers. Every method is idempotent: it may be called again after a crash of the hub,
// by another replica, with the same run. Implementations are safe for concurrent use on different runs.
type Spawner interface {
	// Start makes the server's process or pod and returns when its address is known; it does not wait for it to answer.
	// It calls keep with its state before the outside world changes and again whenever the state grows; when keep fails it makes nothing
	// and returns that error. Called again for a run that is already alive it returns that run's address.
	// Errors: Invalid for options that cannot be, Forbidden for options that this user may not have, Unavailable for the rest, each with words for the user.
	Start(ctx context.Context, s *Spec, keep func(json.RawMessage) error, say func(Event)) (*Started, error)
	// Poll looks at a run. A run that was never made is Ended without an exit code. An error means that it could not be found out.
	Poll(ctx context.Context, ref Ref) (Status, error)
	// Stop ends a run and returns when nothing of it is left. A run that does not exist is no error.
	Stop(ctx context.Context, ref Ref) error
}

// Watcher is a Spawner that notices the end of runs by itself.
type Watcher interface {
	// Watch calls gone for each run that it sees ending, until the context ends. It may miss runs and may repeat them; Poll is the truth.
	Watch(ctx context.Context, gone func(runID string)) error
}

// Lister is a Spawner that can list every run that exists outside, so that strays can be removed.
type Lister interface {
	List(ctx context.Context) ([]Ref, error)
}

// Remover is a Spawner that keeps something of a server after its stop (a volume), to be removed with the server itself.
type Remover interface {
	Remove(ctx context.Context, ref Ref) error
}

// Provisioner gives a run something that it needs beside its process: credentials, a Spark cluster.
type Provisioner interface {
	// Name is a word for the journal.
	Name() string
	// Acquire makes or finds what the run needs. It is idempotent per run.
	Acquire(ctx context.Context, s *Spec, say func(Event)) (*Grant, error)
	// Release removes it. A grant that no longer exists is no error; g is nil when the hub died before Acquire returned.
	Release(ctx context.Context, ref Ref, g *Grant) error
}

// Grant is what a Provisioner gave, plain data that is stored before the next step runs.
type Grant struct {
	Env   map[string]string `json:"env,omitempty"` // added to the server's environment
	State json.RawMessage   `json:"state,omitempty"`
}
