package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/spawn"
	"berdlhub/internal/web"
)

// getServer gives one server. JupyterHub REST API: GET /users/{name}/server.
func (a *API) getServer(c *call) error {
	srv, err := a.server(c)
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusOK, a.serverModel(c.who, srv))
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
	text, err := io.ReadAll(c.Body)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return &wish{}, nil
	}
	if !json.Valid(text) {
		return nil, hub.Errorf(hub.Invalid, "Invalid JSON in body of request")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return nil, hub.Errorf(hub.Invalid, "Body must be a JSON object")
	}
	name, hasName := fields["display_name"]
	options, hasOptions := fields["user_options"]
	if !hasName && !hasOptions {
		return &wish{options: text}, nil
	}
	out := &wish{}
	if hasName && json.Unmarshal(name, &out.displayName) != nil {
		return nil, hub.Errorf(hub.Invalid, "display_name must be a string")
	}
	if !hasOptions || string(options) == "null" {
		return out, nil
	}
	var isObject map[string]json.RawMessage
	if json.Unmarshal(options, &isObject) != nil {
		return nil, hub.Errorf(hub.Invalid, "user_options must be an object or null")
	}
	out.options = options
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
	if _, err := a.db.ServerByKey(c.Context(), c.key); err == nil {
		return hub.Errorf(hub.Conflict, "%s already has a server named '%s'", c.key.User, c.key.Server)
	}
	srv, err := a.spawn.Ensure(c.Context(), c.key, body.displayName)
	if err != nil {
		return err
	}
	return web.JSON(c.w, http.StatusCreated, a.serverModel(c.who, srv))
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
	srv, _, err := a.spawn.Start(c.Context(), spawn.StartRequest{Key: c.key, Options: body.options, DisplayName: body.displayName})
	if err != nil {
		if hub.CodeOf(err) == hub.Conflict {
			return hub.Errorf(hub.Invalid, "%s is pending stop", c.key)
		}
		return err
	}
	if srv.Phase == hub.Ready {
		return hub.Errorf(hub.Invalid, "%s is already running", c.key)
	}
	err = a.within(c, a.cfg.SlowSpawn, func(ctx context.Context) error {
		_, err := a.spawn.WaitStarted(ctx, c.key, srv.RunID)
		return err
	})
	return c.empty(err, http.StatusCreated)
}

// stopServer asks for a stop and waits a little for it. JupyterHub REST API: DELETE /users/{name}/server: 204 when it is stopped,
// 202 while it is not; with {"remove": true} a named server goes for good.
func (a *API) stopServer(c *call) error {
	var body struct {
		Remove bool `json:"remove"`
	}
	if err := web.ReadJSON(c.Request, maxBody, &body); err != nil {
		return err
	}
	if c.key.Server != "" && !a.cfg.AllowNamedServers {
		return hub.Errorf(hub.Invalid, "Named servers are not enabled.")
	}
	if body.Remove && c.key.Server == "" {
		return hub.Errorf(hub.Invalid, "Cannot delete the default server")
	}
	if _, err := a.user(c); err != nil {
		return err
	}
	if _, err := a.server(c); err != nil {
		if c.key.Server == "" && hub.CodeOf(err) == hub.NotFound {
			return c.empty(nil, http.StatusNoContent)
		}
		return err
	}
	if _, err := a.spawn.Stop(c.Context(), c.key, a.reason(c)); err != nil {
		return err
	}
	err := a.within(c, a.cfg.SlowStop, func(ctx context.Context) error {
		if body.Remove {
			return a.spawn.Delete(ctx, c.key)
		}
		_, err := a.spawn.WaitStopped(ctx, c.key)
		return err
	})
	return c.empty(err, http.StatusNoContent)
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
