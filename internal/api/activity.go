package api

import (
	"encoding/json"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// maxAhead is how far a reported time may lie ahead: clocks differ. JupyterHub REST API: POST /users/{name}/activity.
const maxAhead = 59 * time.Minute

// report is the body of POST /users/{name}/activity: when the user and the servers were last active.
type report struct {
	user    time.Time // zero: not said
	servers map[string]time.Time
}

// activity takes what a server reports. JupyterHub REST API: POST /users/{name}/activity. Everything is checked before anything
// is stored; values only move forward.
func (a *API) activity(c *call) error {
	told, err := readReport(c)
	if err != nil {
		return err
	}
	u := c.who.User // a server reports with its own user's token, and who that is is in memory
	if u == nil || u.Name != c.key.User {
		if u, err = a.user(c); err != nil {
			return err
		}
	}
	batch, err := a.serverActivity(c, u, told.servers)
	if err != nil {
		return err
	}
	if !told.user.IsZero() {
		batch = append(batch, store.Activity{UserID: u.ID, At: told.user})
	}
	for _, one := range batch {
		a.auth.Record(one)
	}
	return nil
}

func readReport(c *call) (*report, error) {
	sent, err := readObject(c, "body must be a json dict")
	if err != nil {
		return nil, err
	}
	if sent == nil {
		return nil, hub.Errorf(hub.Invalid, "body must be a json dict")
	}
	var of map[string]fields
	if !sent.read("servers", &of) {
		return nil, errServersForm
	}
	at := &report{servers: make(map[string]time.Time, len(of))}
	if !sent.has("last_activity") && len(of) == 0 {
		return nil, hub.Errorf(hub.Invalid, "body must contain at least one of `last_activity` or `servers`")
	}
	for name, server := range of {
		if !server.has("last_activity") {
			return nil, errServersForm
		}
		if at.servers[name], err = past(text(server["last_activity"])); err != nil {
			return nil, err
		}
	}
	if sent.has("last_activity") {
		at.user, err = past(text(sent["last_activity"]))
	}
	return at, err
}

var errServersForm = hub.Errorf(hub.Invalid, "servers must be a dict of the form {server_name: {last_activity: timestamp}}")

// text gives a JSON string's text, and another value as it was sent.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

func (a *API) serverActivity(c *call, u *hub.User, at map[string]time.Time) ([]store.Activity, error) {
	if len(at) == 0 {
		return nil, nil
	}
	servers, err := a.db.ServersOfUser(c.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(servers))
	for _, srv := range servers {
		ids[srv.Key.Server] = srv.ID
	}
	var batch []store.Activity
	for name, when := range at {
		if ids[name] == 0 {
			return nil, hub.Errorf(hub.Invalid, "No such server '%s' for user %s", clip(name), u.Name)
		}
		batch = append(batch, store.Activity{ServerID: ids[name], At: when})
	}
	return batch, nil
}

// past reads a time that is at most maxAhead ahead.
func past(text string) (time.Time, error) {
	at, err := moment(text)
	if err == nil && at.After(time.Now().Add(maxAhead)) {
		return at, hub.Errorf(hub.Invalid, "Rejecting activity from more than an hour in the future: %s", clip(text))
	}
	return at, err
}
