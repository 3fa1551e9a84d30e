package api

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/spawn"
)

// Models of users and servers are written by hand: a list holds hundreds of them, and a map for each with the general encoder
// took most of the time of a request.

// userParts is what a user model is made from.
type userParts struct {
	user    *hub.User
	groups  []string
	roles   []string
	servers []*hub.Server
}

// appendUser writes the model of a user as somebody sees it; nothing when that is nothing. auth is the opened auth state as
// JSON, null in lists. JupyterHub REST API: user model, fields by scope.
func (a *API) appendUser(b []byte, v view, seen sight, p *userParts, authState json.RawMessage) []byte {
	start := len(b)
	b = append(b, '{')
	if seen&seesUser != 0 {
		b = a.appendDefaultServer(b, p)
	}
	if seen&(seesUser|seesName) != 0 {
		b = appendRaw(appendKey(b, "user_info"), p.user.Info)
	}
	if seen&(seesUser|seesName|seesRoles) != 0 {
		b = strconv.AppendBool(appendKey(b, "admin"), p.user.Admin)
	}
	if seen&(seesUser|seesActivity) != 0 {
		b = appendStamp(appendKey(b, "last_activity"), p.user.LastActivity)
	}
	if seen&(seesUser|seesGroups) != 0 {
		b = appendTexts(appendKey(b, "groups"), p.groups)
	}
	if seen&(seesUser|seesRoles) != 0 {
		b = appendTexts(appendKey(b, "roles"), p.roles)
	}
	if seen&seesState != 0 {
		b = appendRaw(appendKey(b, "auth_state"), authState)
	}
	b = a.appendServers(b, v, seen, p)
	if len(b) == start+1 {
		return b[:start]
	}
	b = appendText(appendKey(b, "name"), p.user.Name)
	return append(appendText(appendKey(b, "kind"), "user"), '}')
}

// appendDefaultServer writes what the default server says of its user.
func (a *API) appendDefaultServer(b []byte, p *userParts) []byte {
	var server, pending string
	for _, srv := range p.servers {
		if srv.Key.Server != "" {
			continue
		}
		pending = srv.Pending()
		if srv.Phase == hub.Ready {
			server = spawn.Prefix(a.cfg.BaseURL, srv.Key)
		}
	}
	b = appendOrNull(appendKey(b, "server"), server)
	b = appendOrNull(appendKey(b, "pending"), pending)
	return appendStamp(appendKey(b, "created"), p.user.Created)
}

// appendServers writes the servers that are seen. Who sees the servers of the user sees also that there are none.
func (a *API) appendServers(b []byte, v view, seen sight, p *userParts) []byte {
	if seen&seesServers == 0 && !v.single {
		return b
	}
	start := len(b)
	b = append(appendKey(b, "servers"), '{')
	empty, servers := true, p.servers
	if seen&withStopped != 0 && !slices.ContainsFunc(servers, func(srv *hub.Server) bool { return srv.Key.Server == "" }) {
		servers = slices.Concat([]*hub.Server{{Key: hub.ServerKey{User: p.user.Name}, Phase: hub.Stopped}}, servers)
	}
	for _, srv := range servers {
		sees, state := seen&seesServers != 0, seen&seesServerState != 0
		if v.single {
			target := scope.OfServer(srv.Key.User, srv.Key.Server)
			sees, state = v.who.Has("read:servers", target), v.who.Has("admin:server_state", target)
		}
		if !sees || seen&withStopped == 0 && !srv.Active() {
			continue
		}
		b = append(appendText(appendComma(b), srv.Key.Server), ':')
		b = a.appendServer(b, srv, state)
		empty = false
	}
	if empty && seen&seesServers == 0 {
		return b[:start]
	}
	return append(b, '}')
}

// appendServer writes a server. JupyterHub REST API: server model.
func (a *API) appendServer(b []byte, srv *hub.Server, state bool) []byte {
	prefix := spawn.Prefix(a.cfg.BaseURL, srv.Key)
	progress := a.root + "/users/" + spawn.EscapeName(srv.Key.User) + "/server/progress"
	if srv.Key.Server != "" {
		progress = a.root + "/users/" + spawn.EscapeName(srv.Key.User) + "/servers/" + spawn.EscapeName(srv.Key.Server) + "/progress"
	}
	b = appendText(appendKey(append(b, '{'), "name"), srv.Key.Server)
	b = appendText(appendKey(b, "display_name"), srv.DisplayName)
	b = appendText(appendKey(b, "full_name"), srv.Key.Full())
	b = appendStamp(appendKey(b, "last_activity"), srv.LastActivity)
	b = appendStamp(appendKey(b, "started"), srv.Started)
	b = appendOrNull(appendKey(b, "pending"), srv.Pending())
	b = strconv.AppendBool(appendKey(b, "ready"), srv.Phase == hub.Ready)
	b = strconv.AppendBool(appendKey(b, "stopped"), !srv.Active())
	b = appendText(appendKey(b, "url"), prefix)
	if b = appendKey(b, "user_options"); srv.Options == nil {
		b = append(b, "{}"...)
	} else {
		b = appendRaw(b, srv.Options)
	}
	b = appendText(appendKey(b, "progress_url"), progress)
	if origin := a.origin(); origin != "" {
		b = appendText(appendKey(b, "full_url"), origin+prefix)
		b = appendText(appendKey(b, "full_progress_url"), origin+progress)
	} else {
		b = append(b, `,"full_url":null,"full_progress_url":null`...)
	}
	if state && srv.State == nil {
		b = append(b, `,"state":{}`...)
	} else if state {
		b = appendRaw(appendKey(b, "state"), srv.State)
	}
	return append(b, '}')
}

// appendComma writes a comma unless an object or list has just begun.
func appendComma(b []byte) []byte {
	if last := b[len(b)-1]; last != '{' && last != '[' {
		b = append(b, ',')
	}
	return b
}

// appendKey writes the name of a member, which needs no escape.
func appendKey(b []byte, key string) []byte {
	b = append(appendComma(b), '"')
	return append(append(b, key...), `":`...)
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, text...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

func appendTexts(b []byte, all []string) []byte {
	b = append(b, '[')
	for _, s := range all {
		b = appendText(appendComma(b), s)
	}
	return append(b, ']')
}

// appendRaw writes JSON that was checked before it was stored, without the spaces of whoever sent it; null for nothing.
func appendRaw(b []byte, j json.RawMessage) []byte {
	compact := bytes.NewBuffer(b)
	if len(j) == 0 || json.Compact(compact, j) != nil {
		return append(b, "null"...)
	}
	return compact.Bytes()
}

// appendStamp writes a time as stamp gives it.
func appendStamp(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	t = t.UTC()
	layout := `"2006-01-02T15:04:05.000000Z"`
	if t.Nanosecond()/1000 == 0 {
		layout = `"2006-01-02T15:04:05Z"`
	}
	return t.AppendFormat(b, layout)
}
