package jupyterhub

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"berdlhub/internal/hub"
)

// run is a server that goes on running here.
type run struct {
	id     string
	server int64 // our id
	client string
	*Adopted
}

// lookAtServers finds out which of the running servers can be taken over. It changes nothing.
func (im *importer) lookAtServers(ctx context.Context) error {
	im.adopted = map[int64]adoption{}
	names := map[int64]string{}
	for _, u := range im.src.Users {
		names[u.ID] = u.Name
	}
	for i := range im.src.Servers {
		s := &im.src.Servers[i]
		if !s.Active {
			continue
		}
		found, err := im.o.Adopt(ctx, hub.ServerKey{User: names[s.User], Server: s.Name}, s)
		var known *hub.Error
		switch {
		case errors.As(err, &known):
			im.adopted[s.ID] = adoption{why: known.Message}
		case err != nil:
			return err
		default:
			im.adopted[s.ID] = adoption{Adopted: found}
		}
	}
	return nil
}

func serverNameFault(name string) leftOut {
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return "the name is longer than 255 characters"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, "/"):
		return "the name has a slash, or characters that are not text"
	}
	return ""
}

func (im *importer) takeServers(ctx context.Context) error {
	s := im.report.Section("servers")
	for i := range im.src.Servers {
		srv := im.src.Servers[i]
		user := im.users[srv.User]
		key := hub.ServerKey{User: im.names[srv.User], Server: srv.Name}
		if user == 0 {
			s.leave("its user is not here", key.String())
			continue
		}
		if why := serverNameFault(srv.Name); why != "" {
			s.leave(string(why), key.String())
			continue
		}
		id, err := im.b.ID(ctx, `SELECT id FROM servers WHERE user_id = $1 AND name = $2`, user, srv.Name)
		if err != nil {
			return err
		}
		err = im.take(ctx, s, thing{
			kind: "server", name: key.User + separator + key.Server, label: key.String(), row: resting(srv),
			write: func(ctx context.Context) (err error) {
				id, err = im.writeServer(ctx, id, user, srv)
				return err
			},
			forward: []any{`UPDATE servers SET last_activity = $2 WHERE id = $1 AND last_activity < $2`, id, micro(srv.LastActivity)},
		})
		if err != nil {
			return err
		}
		if id != 0 {
			im.servers[srv.ID] = id
		}
	}
	return nil
}

// resting is what a server is apart from its run.
func resting(s Server) any {
	return struct{ Name, DisplayName, Options string }{s.Name, s.DisplayName, string(s.Options)}
}

func (im *importer) writeServer(ctx context.Context, id, user int64, s Server) (int64, error) {
	if id != 0 {
		_, err := im.b.Exec(ctx, `UPDATE servers SET display_name = $2, options = COALESCE($3, options) WHERE id = $1`,
			id, limited(s.DisplayName, maxName), jsonOrNull(s.Options))
		return id, err
	}
	created := s.Started
	if created.IsZero() {
		created = im.o.Now
	}
	return im.b.ID(ctx, `INSERT INTO servers (user_id, name, display_name, options, state, last_activity, created) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		user, s.Name, limited(s.DisplayName, maxName), jsonOrNull(s.Options), jsonOrNull(podState(s.State)), micro(s.LastActivity), micro(created))
}

// podState keeps what KubeSpawner knows, also of a server that is stopped: the name of its volume, for one.
func podState(state json.RawMessage) json.RawMessage {
	var of struct {
		Pod string `json:"pod_name"`
	}
	if json.Unmarshal(state, &of) != nil || of.Pod == "" {
		return nil
	}
	return state
}

// takeRuns makes the servers whose processes live ready here, and says of the others why they are stopped. A run is written down in the
// journal like one that was started here, so that a stop removes its process, its OAuth client and its token.
func (im *importer) takeRuns(ctx context.Context) error {
	s := im.report.Section("running servers")
	for i := range im.src.Servers {
		srv := im.src.Servers[i]
		id := im.servers[srv.ID]
		if !srv.Active || id == 0 {
			continue
		}
		found := im.adopted[srv.ID]
		key := hub.ServerKey{User: im.names[srv.User], Server: srv.Name}
		err := im.take(ctx, s, thing{
			kind: "run", name: key.User + separator + key.Server, label: key.String(),
			row:   struct{ State, Started string }{string(srv.State), srv.Started.Format(time.RFC3339Nano)},
			write: func(ctx context.Context) error { return im.writeRun(ctx, id, srv, found) },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) writeRun(ctx context.Context, id int64, srv Server, found adoption) error {
	if found.why != "" {
		return leftOut(found.why)
	}
	started := srv.Started
	if started.IsZero() {
		started = im.o.Now
	}
	r := run{id: im.o.NewRunID(), server: id, client: srv.Client, Adopted: found.Adopted}
	n, err := im.b.Exec(ctx, `UPDATE servers SET wanted = 'running', phase = 'ready', run_id = $2, state = $3, address = $4, reason = '', fail_status = 0,
		next_try = 0, requested = $5, started = $5, ready_since = $5, version = version + 1 WHERE id = $1 AND phase IN ('stopped', 'failed')`,
		id, r.id, string(r.State), r.Address, micro(started))
	if err != nil {
		return err
	}
	if n == 0 {
		return leftOut("another run of the server exists here")
	}
	token, err := im.tieToken(ctx, &srv, r)
	if err != nil {
		return err
	}
	entries := []struct{ kind, identity string }{{"process", mustText(map[string]string{"address": r.Address})}}
	if im.clients[r.client] && r.client != hub.PlainClient {
		entries = append(entries, struct{ kind, identity string }{"client", mustText(map[string]string{"client": r.client})})
	}
	if token != 0 {
		entries = append(entries, struct{ kind, identity string }{"token", mustText(map[string]int64{"token": token})})
	}
	for i := range entries { // in the order of a start: what is last made is first removed
		e := entries[len(entries)-1-i]
		if _, err := im.b.Exec(ctx, `INSERT INTO journal (server_id, run_id, kind, state, identity, updated) VALUES ($1, $2, $3, 'made', $4, $5)`,
			id, r.id, e.kind, e.identity, micro(im.o.Now)); err != nil {
			return err
		}
	}
	return nil
}

// tieToken ties the server's token to the run, so that a stop deletes it.
func (im *importer) tieToken(ctx context.Context, srv *Server, r run) (int64, error) {
	t := im.tokenOf(srv, adoption{Adopted: r.Adopted})
	if t == nil {
		im.report.note("The running server of %s has no token here: it goes on running, but cannot tell the hub of its activity, nor let anybody in anew.",
			printable(im.names[srv.User]))
		return 0, nil
	}
	id := im.tokens[t.Hashed]
	_, err := im.b.Exec(ctx, `UPDATE tokens SET run_id = $2 WHERE id = $1`, id, r.id)
	return id, err
}

func mustText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(text)
}
