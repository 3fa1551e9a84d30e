package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
)

// stamp gives a time as JupyterHub does: UTC with microseconds, which are left out when they are 0; null when unset.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// moment reads a time that somebody sent: ISO 8601, another zone is turned into UTC, none counts as UTC.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04", "2006-01-02",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, hub.Errorf(hub.Invalid, "Not a valid timestamp: '%s'", clip(text))
}

// orNull gives null for nothing.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func raw(j json.RawMessage) any {
	if len(j) == 0 {
		return nil
	}
	return j
}

type object = map[string]any

// userParts is what a user model is made from.
type userParts struct {
	user    *hub.User
	groups  []string
	roles   []string
	servers []*hub.Server
	stopped bool // show servers that do not run, too
	state   any  // opened auth_state
}

// userFields are the parts of a user model and the scopes that show each. JupyterHub REST API: user model, fields by scope.
var userFields = []struct {
	scopes []string
	fill   func(a *API, p *userParts, m object)
}{
	{[]string{"read:users"}, (*API).fillServer},
	{[]string{"read:users", "read:users:name"}, func(_ *API, p *userParts, m object) { m["user_info"] = raw(p.user.Info) }},
	{[]string{"read:users", "read:users:name", "read:roles:users"}, func(_ *API, p *userParts, m object) { m["admin"] = p.user.Admin }},
	{[]string{"read:users", "read:users:activity"}, func(_ *API, p *userParts, m object) { m["last_activity"] = stamp(p.user.LastActivity) }},
	{[]string{"read:users", "read:users:groups"}, func(_ *API, p *userParts, m object) { m["groups"] = list(p.groups) }},
	{[]string{"read:users", "read:roles:users"}, func(_ *API, p *userParts, m object) { m["roles"] = list(p.roles) }},
	{[]string{"admin:auth_state"}, func(_ *API, p *userParts, m object) { m["auth_state"] = p.state }},
}

// fillServer adds what the default server says of its user.
func (a *API) fillServer(p *userParts, m object) {
	m["server"], m["pending"], m["created"] = nil, nil, stamp(p.user.Created)
	for _, srv := range p.servers {
		if srv.Key.Server != "" {
			continue
		}
		m["pending"] = orNull(srv.Pending())
		if srv.Phase == hub.Ready {
			m["server"] = spawn.Prefix(a.cfg.BaseURL, srv.Key)
		}
	}
}

// userModel gives what the caller may see of a user; empty when that is nothing.
func (a *API) userModel(who *auth.Principal, p *userParts) object {
	target := scope.OfUser(p.user.Name)
	may := func(s string) bool { return who.Has(s, target) }
	m := object{}
	for _, field := range userFields {
		if slices.ContainsFunc(field.scopes, may) {
			field.fill(a, p, m)
		}
	}
	if who.Scopes.HasAny("read:servers") {
		if servers := a.serverModels(who, p); len(servers) > 0 || may("read:servers") {
			m["servers"] = servers
		}
	}
	if len(m) > 0 {
		m["kind"], m["name"] = "user", p.user.Name
	}
	return m
}

func list(in []string) []string { return append([]string{}, in...) }

func (a *API) serverModels(who *auth.Principal, p *userParts) object {
	servers := object{}
	for _, srv := range p.servers {
		if (p.stopped || srv.Active()) && who.Has("read:servers", scope.OfServer(srv.Key.User, srv.Key.Server)) {
			servers[srv.Key.Server] = a.serverModel(who, srv)
		}
	}
	return servers
}

// serverModel gives a server as JupyterHub REST API: server model.
func (a *API) serverModel(who *auth.Principal, srv *hub.Server) object {
	prefix := spawn.Prefix(a.cfg.BaseURL, srv.Key)
	progress := a.root + "/users/" + spawn.EscapeName(srv.Key.User) + "/server/progress"
	if srv.Key.Server != "" {
		progress = a.root + "/users/" + spawn.EscapeName(srv.Key.User) + "/servers/" + spawn.EscapeName(srv.Key.Server) + "/progress"
	}
	m := object{
		"name": srv.Key.Server, "display_name": srv.DisplayName, "full_name": srv.Key.Full(), "last_activity": stamp(srv.LastActivity),
		"started": stamp(srv.Started), "pending": orNull(srv.Pending()), "ready": srv.Phase == hub.Ready, "stopped": !srv.Active(),
		"url": prefix, "user_options": raw(srv.Options), "progress_url": progress, "full_url": nil, "full_progress_url": nil,
	}
	if origin := a.origin(); origin != "" {
		m["full_url"], m["full_progress_url"] = origin+prefix, origin+progress
	}
	if who.Has("admin:server_state", scope.OfServer(srv.Key.User, srv.Key.Server)) {
		m["state"] = raw(srv.State)
		if srv.State == nil {
			m["state"] = object{}
		}
	}
	return m
}

// origin is scheme and host of the public URL, if it is known.
func (a *API) origin() string {
	if len(a.cfg.PublicURL) < len(a.cfg.BaseURL) {
		return ""
	}
	return a.cfg.PublicURL[:len(a.cfg.PublicURL)-len(a.cfg.BaseURL)]
}

// tokenID is a token's id in the API: "a" and the row's number.
func tokenID(t *hub.Token) string { return "a" + strconv.FormatInt(t.ID, 10) }
