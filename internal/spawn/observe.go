package spawn

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"berdlhub/internal/hub"
)

// Observer hears how long the work on servers takes. Its methods must not block. Its words are few and fixed, so that they can be
// labels of a metric.
type Observer interface {
	// Started hears of an ended start: success; failure when the user or a limit is the cause; error when the platform is.
	// The reason of a failure is timeout, exited, cancelled, refused or error. took counts from the wish, the queue included.
	Started(status, reason string, took time.Duration)
	// Step hears of a step of a start that went well: token, client, user, grant:NAME, process, answer, ready.
	Step(step string, took time.Duration)
	// Stopped hears of a stop, or of a try that did not finish.
	Stopped(ok bool, took time.Duration)
	// Polled hears of a look at a running server: running, stopped, or unknown when it could not be found out.
	Polled(status string, took time.Duration)
	// Routed and Unrouted hear of a change of the proxy's table, RoutesChecked of a comparison of all of it.
	Routed(ok bool, took time.Duration)
	Unrouted(took time.Duration)
	RoutesChecked(took time.Duration)
	// ClaimLost hears that another replica took a server over while this one worked on it.
	ClaimLost()
}

// silent is an Observer that is not there.
type silent struct{}

func (silent) Started(string, string, time.Duration) {}
func (silent) Step(string, time.Duration)            {}
func (silent) Stopped(bool, time.Duration)           {}
func (silent) Polled(string, time.Duration)          {}
func (silent) Routed(bool, time.Duration)            {}
func (silent) Unrouted(time.Duration)                {}
func (silent) RoutesChecked(time.Duration)           {}
func (silent) ClaimLost()                            {}

// The causes of a failed start that are told apart.
var (
	errTimedOut = errors.New("the time of the start is up")
	errExited   = errors.New("the process ended while it started")
)

// outcome gives the status and the reason of a failed start for an Observer. JupyterHub's life cycle, metrics: failure below 500, else error.
func outcome(cause error) (status, reason string) {
	status = "error"
	if errors.Is(cause, errAskedToStop) || hub.CodeOf(cause).Status() < 500 {
		status = "failure"
	}
	switch {
	case errors.Is(cause, errAskedToStop):
		reason = "cancelled"
	case errors.Is(cause, errTimedOut):
		reason = "timeout"
	case errors.Is(cause, errExited):
		reason = "exited"
	case status == "failure":
		reason = "refused"
	default:
		reason = "error"
	}
	return status, reason
}

// laps tells an Observer how long each of several steps took.
type laps struct {
	observer Observer
	begin    time.Time
}

func (l *laps) done(step string) {
	now := time.Now()
	l.observer.Step(step, now.Sub(l.begin))
	l.begin = now
}

// pulse remembers when the loop that looks for work last went round.
type pulse struct{ at atomic.Int64 } // Unix time in nanoseconds; 0: never

func (p *pulse) beat() { p.at.Store(time.Now().UnixNano()) }

// LastRound tells when this replica last looked for work and could; the zero time before the first one. Rounds are at most a second apart.
func (c *Controller) LastRound() time.Time {
	if at := c.pulse.at.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Claims tells how many servers this replica works on.
func (c *Controller) Claims() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.working)
}

// ProbeSpawner asks whether what the spawner depends on works. known is false when the spawner can't say.
func (c *Controller) ProbeSpawner(ctx context.Context) (known bool, err error) {
	p, ok := c.spawner.(hub.Prober)
	if !ok {
		return false, nil
	}
	return true, p.Probe(ctx)
}
