package spawn

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/proxy"
	"berdlhub/internal/store"
)

// dirt collects which servers changed since they were last looked at.
type dirt struct {
	mu      sync.Mutex
	all     bool           // guarded by mu
	servers map[int64]bool // guarded by mu
	users   map[int64]bool // guarded by mu
}

func (d *dirt) add(ch store.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case ch.Kind == store.ChangeAll:
		d.all = true
	case ch.Kind == store.ChangeServer && ch.ID != 0:
		d.servers[ch.ID] = true
	case ch.Kind == store.ChangeAccess && ch.ID != 0:
		d.users[ch.ID] = true
	}
}

// take empties the collection.
func (d *dirt) take() (all bool, servers, users map[int64]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, servers, users = d.all, d.servers, d.users
	d.all, d.servers, d.users = false, map[int64]bool{}, map[int64]bool{}
	return all, servers, users
}

// refresh looks at what changed: routes follow the rows that are ready, and starts that are no longer wanted are turned round.
func (c *Controller) refresh(ctx context.Context) error {
	all, servers, users := c.dirt.take()
	if all {
		return c.syncAll(ctx)
	}
	for id := range servers {
		if err := c.syncServer(ctx, id); err != nil {
			return err
		}
	}
	for id := range users {
		owned, err := c.db.ServersOfUser(ctx, id)
		if err != nil {
			return fmt.Errorf("look up a user's servers: %w", err)
		}
		for _, srv := range owned {
			if err := c.syncRoute(ctx, srv); err != nil {
				return err
			}
		}
	}
	return nil
}

// syncAll makes the proxy's table a view of all rows that are ready.
func (c *Controller) syncAll(ctx context.Context) error {
	begin := time.Now()
	defer func() { c.cfg.Observe.RoutesChecked(time.Since(begin)) }()
	ready, err := c.db.ReadyServers(ctx)
	if err != nil {
		return fmt.Errorf("list the running servers: %w", err)
	}
	seen := make(map[int64]bool, len(ready))
	for _, srv := range ready {
		seen[srv.ID] = true
		if err := c.syncRoute(ctx, srv); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.routes {
		if !seen[id] {
			c.unroute(id)
		}
	}
	return nil
}

// syncServer looks at one server that changed.
func (c *Controller) syncServer(ctx context.Context, id int64) error {
	srv, err := c.db.ServerByID(ctx, id)
	if hub.CodeOf(err) == hub.NotFound && err != nil {
		c.mu.Lock()
		c.unroute(id)
		c.mu.Unlock()
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at a server that changed: %w", err)
	}
	c.mu.Lock()
	if j := c.working[id]; j != nil && srv.Wanted == hub.WantStopped && srv.Phase == hub.Starting {
		j.cancel(errAskedToStop)
	}
	c.mu.Unlock()
	return c.syncRoute(ctx, srv)
}

// Reroute sees to it that this replica's proxy leads to a server that is ready, without waiting for the news of it.
func (c *Controller) Reroute(ctx context.Context, srv *hub.Server) error {
	return c.syncRoute(ctx, srv)
}

// syncRoute sets or removes the route of one server.
func (c *Controller) syncRoute(ctx context.Context, srv *hub.Server) error {
	if srv.Phase != hub.Ready {
		c.mu.Lock()
		c.unroute(srv.ID)
		c.mu.Unlock()
		return nil
	}
	user, err := c.db.UserByID(ctx, srv.UserID)
	if err != nil {
		return fmt.Errorf("look up a server's owner: %w", err)
	}
	mark := routeMark{runID: srv.RunID, address: srv.Address, session: user.Session, prefix: Prefix(c.cfg.BaseURL, srv.Key), userID: srv.UserID}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.routes[srv.ID] == mark {
		return nil
	}
	begin := time.Now()
	err = c.table.Set(c.route(srv, user.Session))
	c.cfg.Observe.Routed(err == nil, time.Since(begin))
	if err != nil {
		c.cfg.Log.ErrorContext(ctx, "a server's address cannot be routed", "user", srv.Key.User, "server", srv.Key.Server, "err", err)
		return nil
	}
	c.routes[srv.ID] = mark
	return nil
}

// routeMark is what a route in the table was made from.
type routeMark struct {
	runID, address, session, prefix string
	userID                          int64
}

// unroute removes the route of a server. c.mu must be held.
func (c *Controller) unroute(id int64) {
	if mark, ok := c.routes[id]; ok {
		begin := time.Now()
		c.table.Delete(mark.prefix)
		delete(c.routes, id)
		c.cfg.Observe.Unrouted(time.Since(begin))
	}
}

// route gives the proxy's route of a server. JupyterHub's use of the proxy API: data user, server_name, jupyterhub.
func (c *Controller) route(srv *hub.Server, session string) proxy.Route {
	return proxy.Route{
		Prefix: Prefix(c.cfg.BaseURL, srv.Key), Target: srv.Address,
		Data:    json.RawMessage(mustJSON(map[string]any{"user": srv.Key.User, "server_name": srv.Key.Server, "jupyterhub": true})),
		Cookies: c.cfg.Cookies(srv.Key, session),
	}
}

// collectActivity stores what the proxy saw of the servers since the last call.
func (c *Controller) collectActivity(ctx context.Context) error {
	c.mu.Lock()
	owners := make(map[string]store.Activity, len(c.routes))
	for id, mark := range c.routes {
		owners[mark.prefix] = store.Activity{ServerID: id, UserID: mark.userID}
	}
	since := c.collected
	c.collected = time.Now()
	c.mu.Unlock()
	var batch []store.Activity
	for _, stamp := range c.table.Activity() {
		a, ok := owners[stamp.Prefix]
		if !ok || stamp.Last.Before(since.Add(-time.Second)) {
			continue
		}
		a.At = stamp.Last
		batch = append(batch, a)
	}
	if len(batch) == 0 {
		return nil
	}
	return c.db.RecordActivity(ctx, batch)
}
