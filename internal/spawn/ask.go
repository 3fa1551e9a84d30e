package spawn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// StartRequest is a wish for a running server.
type StartRequest struct {
	Key         hub.ServerKey
	Options     json.RawMessage // nil: those of the last start
	DisplayName string
}

// Start writes the wish that a server runs and returns at once; fresh is false when the server was running or starting already.
// A start over concurrent_spawn_limit is queued, or refused when the configuration says so.
// Errors: NotFound for an unknown user, Invalid for a name that may not be, Conflict while the server stops,
// TooMany over a limit, with the time to wait.
func (c *Controller) Start(ctx context.Context, req StartRequest) (srv *hub.Server, fresh bool, err error) {
	srv, err = c.Ensure(ctx, req.Key, req.DisplayName)
	if err != nil {
		return nil, false, err
	}
	if c.cfg.RefuseInvalid && req.Key.Server != "" && !srv.Active() && !validServerName(req.Key.Server) {
		return nil, false, hub.Errorf(hub.Invalid, "Starting invalid server_name '%s' is disabled, contact your administrator", bound(req.Key.Server))
	}
	srv, fresh, err = c.db.AskStart(ctx, store.StartAsk{
		Key: req.Key, RunID: c.cfg.NewRunID(), Options: req.Options, Now: time.Now(),
		ActiveLimit: c.cfg.ActiveLimit, ConcurrentLimit: c.cfg.ConcurrentLimit, RefuseOverConcurrent: c.cfg.RefuseWaiting,
	})
	if hub.CodeOf(err) == hub.TooMany {
		return nil, false, c.tooMany(err)
	}
	if err != nil {
		return nil, false, err
	}
	c.nudge()
	return srv, fresh, nil
}

// Ensure finds the row of a server or makes it, under the rules for named servers.
// Errors: NotFound for an unknown user, Invalid when named servers are not enabled, the name is not allowed or the user has too many.
func (c *Controller) Ensure(ctx context.Context, k hub.ServerKey, displayName string) (*hub.Server, error) {
	srv, err := c.db.ServerByKey(ctx, k)
	if err == nil || hub.CodeOf(err) != hub.NotFound {
		return srv, err
	}
	if k.Server != "" {
		if err := c.mayAdd(ctx, k, displayName); err != nil {
			return nil, err
		}
	}
	srv, _, err = c.db.EnsureServer(ctx, k, cmp.Or(displayName, k.Server), time.Now())
	return srv, err
}

// MayBe says whether a server exists or could be made, under the rules for named servers.
// Errors: those of Ensure.
func (c *Controller) MayBe(ctx context.Context, k hub.ServerKey) error {
	if k.Server == "" {
		return nil
	}
	_, err := c.db.ServerByKey(ctx, k)
	if err == nil || hub.CodeOf(err) != hub.NotFound {
		return err
	}
	return c.mayAdd(ctx, k, "")
}

// mayAdd holds a new named server against the rules. JupyterHub REST API: named server rules of 6.x.
func (c *Controller) mayAdd(ctx context.Context, k hub.ServerKey, displayName string) error {
	if !c.cfg.NamedServers {
		return hub.Errorf(hub.Invalid, "Named servers are not enabled.")
	}
	if !validServerName(k.Server) {
		return hub.Errorf(hub.Invalid, "Invalid server_name: '%s'", bound(k.Server))
	}
	if displayName != "" && !validDisplayName(displayName) {
		return hub.Errorf(hub.Invalid, "Invalid display_name: '%s'", bound(displayName))
	}
	if c.cfg.NamedLimit == 0 {
		return nil
	}
	user, err := c.db.UserByName(ctx, k.User)
	if err != nil {
		return err
	}
	servers, err := c.db.ServersOfUser(ctx, user.ID)
	if err != nil {
		return fmt.Errorf("count the user's servers: %w", err)
	}
	named := 0
	for _, s := range servers {
		if s.Key.Server != "" {
			named++
		}
	}
	if named >= c.cfg.NamedLimit {
		return hub.Errorf(hub.Invalid, "User %s already has the maximum of %d named servers.  One must be deleted before a new server can be created", k.User, c.cfg.NamedLimit)
	}
	return nil
}

// tooMany gives JupyterHub's words for a limit that is reached, with a random time to wait for the limit of starts.
func (c *Controller) tooMany(err error) error {
	if errors.Is(err, store.ErrActiveLimit) {
		return hub.Wrap(hub.TooMany, err, "Active user limit exceeded. Try again in a few minutes.")
	}
	low, high := c.cfg.RetryRange[0], c.cfg.RetryRange[1]
	seconds := low + rand.IntN(max(1, high-low+1))
	text := fmt.Sprintf("%d seconds", (seconds+9)/10*10)
	if seconds > 90 {
		text = fmt.Sprintf("%d minutes", (seconds+59)/60)
	}
	return &hub.Error{
		Code: hub.TooMany, Err: err, Retry: time.Duration(seconds) * time.Second,
		Message: "Too many users trying to log in right now. Try again in " + text + ".",
	}
}

// WaitStarted waits until a run is ready or has ended, or the context ends.
// Errors: the reason of a failed start with its own code; the context's cause when the waiting ends first.
func (c *Controller) WaitStarted(ctx context.Context, k hub.ServerKey, runID string) (*hub.Server, error) {
	srv, err := c.wait(ctx, k, func(s *hub.Server) bool {
		return s.RunID != runID || s.Phase == hub.Ready || s.Phase == hub.Failed || s.Phase == hub.Stopped
	})
	if err != nil {
		return srv, err
	}
	if srv.RunID == runID && srv.Phase != hub.Ready {
		return srv, FailureOf(srv)
	}
	return srv, c.Reroute(ctx, srv)
}

// FailureOf gives the error of a server whose last start failed; a cancelled start says so.
func FailureOf(srv *hub.Server) error {
	if srv.FailStatus == 0 {
		return hub.Errorf(hub.Conflict, "Spawn cancelled")
	}
	code := hub.Internal
	for _, c := range []hub.Code{hub.Invalid, hub.Forbidden, hub.NotFound, hub.Conflict, hub.TooMany, hub.Unavailable, hub.Unprocessed} {
		if c.Status() == srv.FailStatus {
			code = c
		}
	}
	return &hub.Error{Code: code, Message: srv.Reason}
}
