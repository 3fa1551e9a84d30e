package spawn

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// stop takes the steps of a stop: the route goes first, then everything that the journal lists, last made first.
// A step that fails leaves its entry open, so the next try begins there.
func (c *Controller) stop(ctx context.Context, srv *hub.Server) error {
	srv, err := c.db.UpdateClaimed(ctx, srv.ID, c.cfg.Replica, func(s *hub.Server) error {
		s.Phase, s.ReadySince = hub.Stopping, time.Time{}
		return nil
	})
	if err != nil {
		return err
	}
	c.cfg.Fault("stopping.stored")
	if err := c.syncRoute(ctx, srv); err != nil {
		return err
	}
	entries, err := c.db.EntriesOfRun(ctx, srv.RunID)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	for _, e := range slices.Backward(entries) {
		if e.State == hub.Gone {
			continue
		}
		c.cfg.Fault(e.Kind + ".removing")
		if err := c.remove(ctx, srv, e); err != nil {
			return fmt.Errorf("remove %s: %w", e.Kind, err)
		}
		c.cfg.Fault(e.Kind + ".removed")
		if err := c.db.SetEntry(ctx, e.ID, hub.Gone, nil, time.Now()); err != nil {
			return fmt.Errorf("write %s into the journal: %w", e.Kind, err)
		}
		c.cfg.Fault(e.Kind + ".gone")
	}
	return c.settle(ctx, srv)
}

// remove removes one thing that the journal lists, whether or not it was really made.
func (c *Controller) remove(ctx context.Context, srv *hub.Server, e *hub.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.StopTimeout)
	defer cancel()
	switch {
	case e.Kind == kindToken:
		return c.db.DeleteTokensOfRun(ctx, srv.RunID)
	case e.Kind == kindClient:
		return c.db.DeleteClient(ctx, ClientID(srv.Key))
	case e.Kind == kindProcess:
		return c.spawner.Stop(ctx, c.ref(srv))
	case strings.HasPrefix(e.Kind, kindGrant):
		return c.release(ctx, srv, e)
	default:
		return fmt.Errorf("the journal names %q, which this version does not know", e.Kind)
	}
}

func (c *Controller) release(ctx context.Context, srv *hub.Server, e *hub.Entry) error {
	name := strings.TrimPrefix(e.Kind, kindGrant)
	i := slices.IndexFunc(c.provisioners, func(p hub.Provisioner) bool { return p.Name() == name })
	if i < 0 {
		return fmt.Errorf("the provisioner %q is no longer configured", name)
	}
	var grant *hub.Grant
	if e.State == hub.Made {
		grant = &hub.Grant{}
		if err := json.Unmarshal(e.Identity, grant); err != nil {
			return fmt.Errorf("read the stored grant: %w", err)
		}
	}
	return c.provisioners[i].Release(ctx, c.ref(srv), grant)
}

// settle stores that nothing is left of the run, and ends its story if the start never did.
func (c *Controller) settle(ctx context.Context, srv *hub.Server) error {
	next, err := c.db.UpdateClaimed(ctx, srv.ID, c.cfg.Replica, func(s *hub.Server) error {
		s.Phase = hub.Stopped
		if s.Reason != "" && s.FailStatus != 0 {
			s.Phase = hub.Failed
		}
		s.Wanted, s.Address, s.State = hub.WantStopped, "", nil
		s.Started, s.ReadySince, s.LastActivity = time.Time{}, time.Time{}, time.Now()
		return nil
	})
	if err != nil {
		return err
	}
	c.cfg.Fault("stopped.stored")
	c.endStory(ctx, next)
	c.cfg.Log.InfoContext(ctx, "server stopped", "user", next.Key.User, "server", next.Key.Server, "run", next.RunID, "reason", next.Reason)
	return nil
}

// endStory adds the final event to a run that never became ready.
func (c *Controller) endStory(ctx context.Context, srv *hub.Server) {
	events, err := c.db.EventsOfRun(ctx, srv.RunID, 0)
	if err != nil || slices.ContainsFunc(events, func(e hub.Event) bool { return e.Final != "" }) {
		return
	}
	message := "Spawn cancelled"
	if srv.FailStatus != 0 {
		message = "Spawn failed: " + srv.Reason
	}
	c.say(ctx, srv.RunID, hub.Event{Progress: 100, Level: hub.Problem, Message: message, Final: hub.OutcomeFailed})
}

// Stop asks for a server to be stopped and returns at once. Stopping what is not running is no error.
// The reason is kept for the user when somebody else asked.
// Errors: NotFound when there is no such server.
func (c *Controller) Stop(ctx context.Context, k hub.ServerKey, reason string) (*hub.Server, error) {
	srv, err := c.db.AskStop(ctx, k, reason, 0, time.Now())
	c.nudge()
	return srv, err
}

// WaitStopped waits until nothing is left of a server's run, or the context ends.
func (c *Controller) WaitStopped(ctx context.Context, k hub.ServerKey) (*hub.Server, error) {
	return c.wait(ctx, k, func(s *hub.Server) bool { return !s.Active() })
}

// Delete removes a stopped named server for ever, with what the spawner keeps of it. A running one is stopped first.
// Errors: NotFound; Invalid for the default server.
func (c *Controller) Delete(ctx context.Context, k hub.ServerKey) error {
	if k.Server == "" {
		return hub.Errorf(hub.Invalid, "Cannot delete the default server")
	}
	if _, err := c.Stop(ctx, k, ""); err != nil {
		return err
	}
	srv, err := c.WaitStopped(ctx, k)
	if err != nil {
		return err
	}
	if r, ok := c.spawner.(hub.Remover); ok {
		if err := r.Remove(ctx, c.ref(srv)); err != nil {
			return fmt.Errorf("remove what the spawner keeps of %s: %w", k, err)
		}
	}
	return c.db.DeleteServer(ctx, srv.ID)
}

// wait reads a server until cond holds, woken by its changes.
func (c *Controller) wait(ctx context.Context, k hub.ServerKey, cond func(*hub.Server) bool) (*hub.Server, error) {
	srv, err := c.db.ServerByKey(ctx, k)
	if err != nil {
		return nil, err
	}
	news, quiet := c.bell.listen(srv.ID)
	defer quiet()
	for {
		if srv, err = c.db.ServerByKey(ctx, k); err != nil {
			return nil, err
		}
		if cond(srv) {
			return srv, nil
		}
		select {
		case <-ctx.Done():
			return srv, context.Cause(ctx)
		case <-news:
		case <-time.After(2 * time.Second): // news may be lost while another replica's feed reconnects
		}
	}
}
