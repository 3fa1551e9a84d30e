package spawn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// The kinds of journal entries.
const (
	kindToken   = "token"
	kindClient  = "client"
	kindGrant   = "grant:" // followed by the provisioner's name
	kindProcess = "process"
)

// start takes the steps of a start, in order. Each one finds what an earlier, interrupted try left.
func (c *Controller) start(ctx context.Context, srv *hub.Server) error {
	c.say(ctx, srv.RunID, hub.Event{Progress: 0, Message: "Server requested"})
	lap := laps{observer: c.cfg.Observe, begin: time.Now()}
	token, err := c.makeToken(ctx, srv)
	if err != nil {
		return err
	}
	lap.done("token")
	if err := c.makeClient(ctx, srv, token); err != nil {
		return err
	}
	lap.done("client")
	spec, err := c.spec(ctx, srv)
	if err != nil {
		return err
	}
	lap.done("user")
	grants, err := c.acquire(ctx, srv, spec)
	if err != nil {
		return err
	}
	spec.Env = c.environment(srv, token, grants)
	lap.begin = time.Now()
	address, err := c.makeProcess(ctx, srv, spec)
	if err != nil {
		return err
	}
	lap.done("process")
	if err := c.awaitAnswer(ctx, srv, spec, address); err != nil {
		return err
	}
	lap.done("answer")
	if err := c.makeReady(ctx, srv, address); err != nil {
		return err
	}
	lap.done("ready")
	return nil
}

// makeToken stores the hash of the run's token. The token itself is derived, so a second try gives the same.
func (c *Controller) makeToken(ctx context.Context, srv *hub.Server) (hub.Secret, error) {
	plain, row := c.cfg.Token(srv.RunID)
	entry, err := c.plan(ctx, srv, kindToken, nil)
	if err != nil || entry.State == hub.Made {
		return plain, err
	}
	row.UserID, row.ClientID, row.RunID = srv.UserID, hub.PlainClient, srv.RunID
	row.Scopes = ownScopes(c.cfg.TokenScopes, srv.Key)
	row.Note = "Server at " + Prefix(c.cfg.BaseURL, srv.Key)
	row.Created = time.Now()
	if err := c.db.DeleteTokensOfRun(ctx, srv.RunID); err != nil {
		return "", fmt.Errorf("clear tokens of an interrupted start: %w", err)
	}
	if err := c.db.CreateToken(ctx, &row); err != nil {
		return "", fmt.Errorf("store the server's token: %w", err)
	}
	return plain, c.made(ctx, entry, map[string]int64{"token": row.ID})
}

// ownScopes resolves !server to this server and sees to it that the server may report its activity.
// JupyterHub's life cycle: scopes of a server's token.
func ownScopes(raw []string, k hub.ServerKey) []string {
	var out []string
	reports := false
	for _, s := range raw {
		if base, ok := strings.CutSuffix(s, "!server"); ok {
			s = base + "!server=" + k.Full()
		}
		reports = reports || strings.HasPrefix(s, "users:activity") || s == "inherit"
		out = append(out, s)
	}
	if !reports {
		out = append(out, "users:activity!user")
	}
	return out
}

// makeClient stores the server's OAuth client, whose secret is the server's token.
func (c *Controller) makeClient(ctx context.Context, srv *hub.Server, token hub.Secret) error {
	entry, err := c.plan(ctx, srv, kindClient, nil)
	if err != nil || entry.State == hub.Made {
		return err
	}
	prefix := Prefix(c.cfg.BaseURL, srv.Key)
	client := &hub.Client{
		ID: ClientID(srv.Key), Description: "Server at " + prefix, HashedSecret: c.cfg.HashSecret(token.Reveal()),
		RedirectURI: prefix + "oauth_callback", AllowedScopes: c.cfg.Server.AllowedScopes, ServerID: srv.ID,
	}
	if err := c.db.SaveClient(ctx, client); err != nil {
		return fmt.Errorf("store the server's OAuth client: %w", err)
	}
	return c.made(ctx, entry, map[string]string{"client": client.ID})
}

// spec gathers what the spawner and the provisioners need to know.
func (c *Controller) spec(ctx context.Context, srv *hub.Server) (*hub.Spec, error) {
	state, err := c.cfg.AuthState(ctx, srv.UserID)
	if err != nil {
		return nil, fmt.Errorf("open what the authenticator knows: %w", err)
	}
	access, err := c.db.AccessOfUser(ctx, srv.UserID)
	if err != nil {
		return nil, fmt.Errorf("look up the user's groups: %w", err)
	}
	return &hub.Spec{
		Ref: c.ref(srv), Options: srv.Options, Prefix: Prefix(c.cfg.BaseURL, srv.Key),
		Groups: access.Groups, AuthState: state, DefaultURL: c.cfg.Server.DefaultURL,
	}, nil
}

// acquire gets the grants of all provisioners, in their order.
func (c *Controller) acquire(ctx context.Context, srv *hub.Server, spec *hub.Spec) ([]*hub.Grant, error) {
	grants := make([]*hub.Grant, 0, len(c.provisioners))
	for _, p := range c.provisioners {
		lap := laps{observer: c.cfg.Observe, begin: time.Now()}
		entry, err := c.plan(ctx, srv, kindGrant+p.Name(), nil)
		if err != nil {
			return nil, err
		}
		grant := &hub.Grant{}
		if entry.State == hub.Made {
			if err := json.Unmarshal(entry.Identity, grant); err != nil {
				return nil, fmt.Errorf("read the stored grant of %s: %w", p.Name(), err)
			}
			grants = append(grants, grant)
			continue
		}
		if grant, err = p.Acquire(ctx, spec, c.sayer(ctx, srv.RunID)); err != nil {
			return nil, err
		}
		if err := c.made(ctx, entry, grant); err != nil {
			return nil, err
		}
		lap.done(entry.Kind)
		grants = append(grants, grant)
	}
	return grants, nil
}

// makeProcess has the spawner make the process or pod. The spawner's state is stored before the world changes.
func (c *Controller) makeProcess(ctx context.Context, srv *hub.Server, spec *hub.Spec) (string, error) {
	entry, err := c.plan(ctx, srv, kindProcess, nil)
	if err != nil {
		return "", err
	}
	c.say(ctx, srv.RunID, hub.Event{Progress: 30, Message: "Starting the server"})
	bounded, cancel := context.WithTimeoutCause(ctx, c.cfg.StartTimeout,
		hub.Errorf(hub.Internal, "the server did not start in %s", c.cfg.StartTimeout))
	defer cancel()
	keep := func(state json.RawMessage) error {
		_, err := c.db.UpdateClaimed(ctx, srv.ID, c.cfg.Replica, func(s *hub.Server) error {
			if s.Wanted != hub.WantRunning || s.RunID != srv.RunID {
				return errAskedToStop
			}
			s.State = state
			return nil
		})
		if err == nil {
			srv.State, spec.State = state, state
			c.cfg.Fault("process.kept")
		}
		return err
	}
	started, err := c.spawner.Start(bounded, spec, keep, c.sayer(ctx, srv.RunID))
	if err != nil {
		return "", startError(ctx, bounded, c.cfg.StartTimeout, err)
	}
	c.cfg.Fault("process.started")
	if err := keep(started.State); err != nil {
		return "", err
	}
	return started.Address, c.made(ctx, entry, map[string]string{"address": started.Address})
}

// startError says in words that the time was up, or why the start was ended from outside.
func startError(ctx, bounded context.Context, limit time.Duration, err error) error {
	if errors.Is(context.Cause(ctx), errAskedToStop) {
		return errAskedToStop
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		return hub.Wrap(hub.Unavailable, errors.Join(errTimedOut, err), fmt.Sprintf("The server did not start within %s. Try again; if it happens again, tell an administrator.", limit))
	}
	return err
}

// awaitAnswer asks the server until it answers below 500. JupyterHub's life cycle: GET {prefix}api, redirects not followed,
// any answer below 500 will do. The pause grows from 20 ms to half a second: waiting costs the user more than asking costs us.
func (c *Controller) awaitAnswer(ctx context.Context, srv *hub.Server, spec *hub.Spec, address string) error {
	c.say(ctx, srv.RunID, hub.Event{Progress: 70, Message: "Waiting for the server to answer"})
	bounded, cancel := context.WithTimeout(ctx, c.cfg.HTTPTimeout)
	defer cancel()
	pause := 20 * time.Millisecond
	look := 100 * time.Millisecond // grows to a second: who ends, ends early
	lookAgain := time.Now().Add(look)
	var last error
	for {
		if last = c.ask(bounded, address+spec.Prefix+"api"); last == nil {
			return nil
		}
		if bounded.Err() != nil {
			return c.noAnswer(ctx, srv, last)
		}
		if time.Now().After(lookAgain) {
			look = min(2*look, time.Second)
			lookAgain = time.Now().Add(look)
			if err := c.stillAlive(ctx, srv); err != nil {
				return err
			}
		}
		select {
		case <-bounded.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(pause*3/2, 500*time.Millisecond)
	}
}

// ask makes one request; nil means that the server answers.
func (c *Controller) ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	resp, err := c.probe.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return nil
}

// noAnswer says why a server was given up.
func (c *Controller) noAnswer(ctx context.Context, srv *hub.Server, last error) error {
	if errors.Is(context.Cause(ctx), errAskedToStop) {
		return errAskedToStop
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := c.stillAlive(ctx, srv); err != nil {
		return err
	}
	return hub.Wrap(hub.Unavailable, errors.Join(errTimedOut, last), fmt.Sprintf("The server was started but did not answer within %s. Try again; if it happens again, tell an administrator.", c.cfg.HTTPTimeout))
}

// stillAlive gives the reason when the server's process has ended, with the last lines of its log as an event.
func (c *Controller) stillAlive(ctx context.Context, srv *hub.Server) error {
	status, err := c.spawner.Poll(ctx, c.ref(srv))
	if err != nil || status.Life == hub.Running {
		return nil // not known is no proof of death; the time limit decides
	}
	if len(status.Log) > 0 {
		c.say(ctx, srv.RunID, hub.Event{Progress: 70, Level: hub.Problem, Message: "Last lines of the server's log:\n" + strings.Join(status.Log, "\n")})
	}
	reason := status.Reason
	if reason == "" {
		reason = "The server's process ended while it started."
	}
	return hub.Wrap(hub.Unavailable, errExited, reason)
}

// makeReady stores that the server is ready; the routes follow the rows, so every replica's proxy leads to it now.
func (c *Controller) makeReady(ctx context.Context, srv *hub.Server, address string) error {
	c.cfg.Fault("ready.before")
	next, err := c.db.UpdateClaimed(ctx, srv.ID, c.cfg.Replica, func(s *hub.Server) error {
		if s.Wanted != hub.WantRunning || s.RunID != srv.RunID {
			return errAskedToStop
		}
		now := time.Now()
		s.Phase, s.Address, s.ReadySince, s.LastActivity = hub.Ready, address, now, now
		s.Reason, s.FailStatus = "", 0
		return nil
	})
	if err != nil {
		return err
	}
	c.cfg.Fault("ready.after")
	if err := c.syncRoute(ctx, next); err != nil {
		return err
	}
	url := Prefix(c.cfg.BaseURL, next.Key)
	c.say(ctx, srv.RunID, hub.Event{Progress: 100, Message: "Server ready at " + url, Final: hub.OutcomeReady, URL: url})
	c.cfg.Log.InfoContext(ctx, "server ready", "user", next.Key.User, "server", next.Key.Server, "run", next.RunID, "after", time.Since(next.Requested).Round(time.Millisecond))
	return nil
}

func (c *Controller) ref(srv *hub.Server) hub.Ref {
	return hub.Ref{Key: srv.Key, UserID: srv.UserID, RunID: srv.RunID, State: srv.State}
}

// plan writes into the journal that a thing is about to be made; an entry of an earlier try is found again.
func (c *Controller) plan(ctx context.Context, srv *hub.Server, kind string, identity json.RawMessage) (*hub.Entry, error) {
	c.cfg.Fault(kind + ".before")
	entry, err := c.db.Plan(ctx, srv.ID, srv.RunID, kind, identity, time.Now())
	if err != nil {
		return nil, fmt.Errorf("write %s into the journal: %w", kind, err)
	}
	c.cfg.Fault(kind + ".planned")
	return entry, nil
}

// made writes into the journal that a thing exists.
func (c *Controller) made(ctx context.Context, e *hub.Entry, identity any) error {
	c.cfg.Fault(e.Kind + ".exists")
	if err := c.db.SetEntry(ctx, e.ID, hub.Made, json.RawMessage(mustJSON(identity)), time.Now()); err != nil {
		return fmt.Errorf("write %s into the journal: %w", e.Kind, err)
	}
	c.cfg.Fault(e.Kind + ".made")
	return nil
}

// say adds an event to the run's story. A story that cannot be written does not stop the work.
func (c *Controller) say(ctx context.Context, runID string, e hub.Event) {
	e.RunID, e.Time = runID, time.Now()
	if e.Level == "" {
		e.Level = hub.Info
	}
	if _, err := c.db.AddEvent(context.WithoutCancel(ctx), e); err != nil {
		c.cfg.Log.WarnContext(ctx, "could not store an event", "run", runID, "err", err)
	}
}

func (c *Controller) sayer(ctx context.Context, runID string) func(hub.Event) {
	return func(e hub.Event) {
		e.Final = ""
		c.say(ctx, runID, e)
	}
}
