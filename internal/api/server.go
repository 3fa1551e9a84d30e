package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// getServer gives one server. JupyterHub REST API: GET /users/{name}/server.
func (a *API) getServer(c *call) error {
	srv, err := a.server(c)
	if hub.CodeOf(err) == hub.NotFound && c.key.Server == "" {
		if _, err := a.user(c); err != nil {
			return err
		}
		srv, err = &hub.Server{Key: c.key, Phase: hub.Stopped}, nil // everybody has a default server, used or not
	}
	if err != nil {
		return err
	}
	return a.sendServer(c, http.StatusOK, srv)
}

func (a *API) sendServer(c *call, status int, srv *hub.Server) error {
	state := c.who.Has("admin:server_state", scope.OfServer(srv.Key.User, srv.Key.Server))
	return web.RawJSON(c.w, status, a.appendServer(nil, srv, state))
}

// server finds the server that the path names. Errors: NotFound.
func (a *API) server(c *call) (*hub.Server, error) {
	srv, err := a.db.ServerByKey(c.Context(), c.key)
	if err != nil && hub.CodeOf(err) == hub.NotFound {
		return nil, hub.Errorf(hub.NotFound, "%s has no server named '%s'", c.key.User, clip(c.key.Server))
	}
	return srv, err
}

// wish is what a start can be given.
type wish struct {
	displayName string
	options     json.RawMessage // nil: those of the last start
}

// readWish reads the body of POST and PUT. JupyterHub REST API, POST/PUT body: with a key display_name or user_options it is
// the form of 6.x, otherwise the whole object is user options, as in 5.x.
func readWish(c *call) (*wish, error) {
	text, err := readBody(c)
	if err != nil || len(text) == 0 || string(text) == "null" {
		return &wish{}, err
	}
	var sent fields
	if json.Unmarshal(text, &sent) != nil {
		return nil, hub.Errorf(hub.Invalid, "Body must be a JSON object")
	}
	if len(sent) == 0 {
		return &wish{}, nil
	}
	_, hasName := sent["display_name"]
	_, hasOptions := sent["user_options"]
	if !hasName && !hasOptions {
		return &wish{options: text}, nil
	}
	out := &wish{}
	if hasName && !sent.has("display_name") || !sent.read("display_name", &out.displayName) || !plain(out.displayName) {
		return nil, hub.Errorf(hub.Invalid, "display_name must be a string")
	}
	var isObject fields
	if !sent.read("user_options", &isObject) {
		return nil, hub.Errorf(hub.Invalid, "user_options must be an object or null")
	}
	if sent.has("user_options") {
		out.options = sent["user_options"]
	}
	return out, nil
}

// putServer makes a named server without starting it. JupyterHub REST API: PUT /users/{name}/servers/{server}, since 6.0.
func (a *API) putServer(c *call) error {
	body, err := readWish(c)
	if err != nil {
		return err
	}
	if c.key.Server == "" {
		return hub.Errorf(hub.Conflict, "The default server always exists")
	}
	if _, err := a.user(c); err != nil {
		return err
	}
	if _, err := a.db.ServerByKey(c.Context(), c.key); err == nil {
		return hub.Errorf(hub.Conflict, "%s already has a server named '%s'", c.key.User, c.key.Server)
	}
	srv, err := a.spawn.Ensure(c.Context(), c.key, body.displayName)
	if err == nil && body.options != nil {
		srv, err = a.db.DescribeServer(c.Context(), srv.ID, "", body.options)
	}
	if err != nil {
		return err
	}
	return a.sendServer(c, http.StatusCreated, srv)
}

// startServer asks for a start and waits a little for it. JupyterHub REST API: POST /users/{name}/server: 201 when it is ready,
// 202 while it is not, 400 when it runs already or stops, else the failure's own status.
func (a *API) startServer(c *call) error {
	body, err := readWish(c)
	if err != nil {
		return err
	}
	if _, err := a.user(c); err != nil {
		return err
	}
	srv, fresh, err := a.askStart(c, body)
	switch {
	case hub.CodeOf(err) == hub.Conflict:
		return hub.Errorf(hub.Invalid, "%s is pending stop", c.key)
	case err != nil:
		return err
	case !fresh && srv.Phase == hub.Ready:
		return hub.Errorf(hub.Invalid, "%s is already running", c.key)
	case !fresh:
		return c.empty(errPending, 0)
	}
	err = a.within(c, a.cfg.SlowSpawn, func(ctx context.Context) error {
		_, err := a.spawn.WaitStarted(ctx, c.key, srv.RunID)
		return err
	})
	return c.empty(err, http.StatusCreated)
}

// askStart writes the wish. A server that counts as ready but has ended is cleared away first, for as long as a stop is waited for.
func (a *API) askStart(c *call, body *wish) (*hub.Server, bool, error) {
	req := spawn.StartRequest{Key: c.key, Options: body.options, DisplayName: body.displayName}
	srv, fresh, err := a.spawn.Start(c.Context(), req)
	if err == nil && !fresh && srv.Phase == hub.Ready {
		alive, err := a.spawn.Alive(c.Context(), c.key)
		if err != nil || alive {
			return srv, false, err
		}
		err = a.within(c, a.cfg.SlowStop, func(ctx context.Context) error {
			_, err := a.spawn.WaitStopped(ctx, c.key)
			return err
		})
		if err != nil && !errors.Is(err, errPending) {
			return nil, false, err
		}
		srv, fresh, err = a.spawn.Start(c.Context(), req)
		if err != nil {
			return nil, false, err
		}
	}
	if err == nil && fresh && body.displayName != "" && srv.DisplayName != body.displayName {
		_, err = a.db.DescribeServer(c.Context(), srv.ID, body.displayName, nil)
	}
	return srv, fresh, err
}

// stopServer asks for a stop and waits a little for it. JupyterHub REST API: DELETE /users/{name}/server: 204 when it is stopped,
// 202 while it is not; with {"remove": true} a named server goes for good once it is stopped.
func (a *API) stopServer(c *call) error {
	remove, err := a.readStop(c)
	if err != nil {
		return err
	}
	if _, err := a.user(c); err != nil {
		return err
	}
	srv, err := a.server(c)
	if err != nil {
		if c.key.Server == "" && hub.CodeOf(err) == hub.NotFound {
			return c.empty(nil, http.StatusNoContent)
		}
		return err
	}
	stopping := srv.Phase == hub.Stopping
	if _, err := a.spawn.Stop(c.Context(), c.key, a.reason(c)); err != nil {
		return err
	}
	wait := func(ctx context.Context) error {
		_, err := a.spawn.WaitStopped(ctx, c.key)
		return err
	}
	if remove {
		wait = a.remove(c)
	}
	if stopping {
		return c.empty(errPending, 0)
	}
	return c.empty(a.within(c, a.cfg.SlowStop, wait), http.StatusNoContent)
}

func (a *API) readStop(c *call) (remove bool, err error) {
	sent, err := readObject(c, "Body must be a JSON object")
	switch {
	case err != nil:
		return false, err
	case c.key.Server != "" && !a.cfg.AllowNamedServers:
		return false, hub.Errorf(hub.Invalid, "Named servers are not enabled.")
	case !sent.read("remove", &remove):
		return false, hub.Errorf(hub.Invalid, "remove must be true or false")
	case remove && c.key.Server == "":
		return false, hub.Errorf(hub.Invalid, "Cannot delete the default server")
	}
	return remove, nil
}

// removeTimeout bounds how long a removal waits for a stop that does not finish.
const removeTimeout = 10 * time.Minute

// remove begins to remove a server once it is stopped, which goes on when nobody waits any more, and gives a wait for it.
func (a *API) remove(c *call) func(context.Context) error {
	key, by, done := c.key, c.who.Name(), make(chan error, 1)
	actor := hub.ActorOf(c.Context())
	a.background.Go(func() {
		ctx, cancel := context.WithTimeout(hub.WithActor(a.life, actor), removeTimeout)
		defer cancel()
		err := a.spawn.Delete(ctx, key)
		if err != nil {
			a.cfg.Log.WarnContext(ctx, "server was not removed", "user", key.User, "server", key.Server, "by", by, "err", err)
		}
		done <- err
	})
	return func(ctx context.Context) error {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// reason is what a user reads whose server somebody else stopped.
func (a *API) reason(c *call) string {
	if c.who.User != nil && c.who.User.Name == c.key.User {
		return ""
	}
	return "Stopped by " + c.who.Name() + "."
}

// errPending says that the time to wait is over before the work is.
var errPending = errors.New("still under way")

// within waits for something at most for limit; errPending when it takes longer.
func (*API) within(c *call, limit time.Duration, wait func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(c.Context(), limit, errPending)
	defer cancel()
	if err := wait(ctx); err != nil {
		if c.Context().Err() == nil && errors.Is(context.Cause(ctx), errPending) {
			return errPending
		}
		return err
	}
	return nil
}

// empty answers without a body: done, or 202 while the work is still under way.
func (c *call) empty(err error, done int) error {
	if err != nil && !errors.Is(err, errPending) {
		return err
	}
	if err != nil {
		done = http.StatusAccepted
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.w.WriteHeader(done)
	return nil
}
