package jupyterhub

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/secret"
)

// takeTokens keeps the hashes, so that every token goes on working, and the ids as far as they are free.
func (im *importer) takeTokens(ctx context.Context) error {
	s := im.report.Section("tokens")
	have, err := im.ids(ctx, `SELECT id, hashed FROM tokens`)
	if err != nil {
		return err
	}
	im.tokens = have
	taken := map[int64]bool{}
	for _, id := range have {
		taken[id] = true
	}
	present, stale := map[string]bool{}, im.staleTokens()
	for i := range im.src.Tokens {
		t := im.src.Tokens[i]
		present[t.Hashed] = true
		label := "a" + strconv.FormatInt(t.ID, 10)
		why := im.tokenFault(&t)
		if why == "" && stale[t.ID] {
			why = "it was given to a server that does not run any more"
		}
		if why != "" {
			s.leave(string(why), label)
			continue
		}
		id, plain := have[t.Hashed], t
		plain.LastActivity = time.Time{}
		err := im.take(ctx, s, thing{
			kind: "token", name: t.Hashed, label: label, row: plain,
			write: func(ctx context.Context) error {
				wish := t.ID
				if taken[wish] {
					wish = 0
				}
				made, err := im.writeToken(ctx, id, wish, &t)
				taken[made], have[t.Hashed] = true, made
				return err
			},
			forward: []any{`UPDATE tokens SET last_activity = $2 WHERE id = $1 AND last_activity < $2`, id, micro(t.LastActivity)},
		})
		if err != nil {
			return err
		}
	}
	return im.forget(ctx, s, "token", present, func(parts []string) (int64, error) {
		return im.b.Exec(ctx, `DELETE FROM tokens WHERE id = $1`, have[parts[0]])
	})
}

// serverNote begins the note of a token that JupyterHub gave to a server; the server's path follows.
const serverNote = "Server at "

// staleTokens finds the tokens of servers that have ended. JupyterHub forgets to delete them when it was restarted meanwhile.
func (im *importer) staleTokens() map[int64]bool {
	used := map[int64]bool{}
	for i := range im.src.Servers {
		if s := &im.src.Servers[i]; s.Active {
			if t := im.tokenOf(s, im.adopted[s.ID]); t != nil {
				used[t.ID] = true
			}
		}
	}
	stale := map[int64]bool{}
	for i := range im.src.Tokens {
		if t := &im.src.Tokens[i]; t.Client == hub.PlainClient && strings.HasPrefix(t.Note, serverNote) && !used[t.ID] {
			stale[t.ID] = true
		}
	}
	return stale
}

// tokenOf finds the token that a running server was given: the one that is in its process's environment or, when that is not known, the newest one
// that JupyterHub made for the server.
func (im *importer) tokenOf(s *Server, found adoption) *Token {
	known := found.Adopted != nil && found.Token != ""
	var newest *Token
	for i := range im.src.Tokens {
		t := &im.src.Tokens[i]
		switch {
		case t.User != s.User || t.Client != hub.PlainClient:
		case known && secret.CheckToken(found.Token.Reveal(), t.Hashed):
			return t
		case !known && t.Note == serverNote+s.BaseURL && (newest == nil || t.ID > newest.ID):
			newest = t
		}
	}
	return newest
}

// tokenFault says why a token is left out; empty when it is taken.
func (im *importer) tokenFault(t *Token) leftOut {
	switch {
	case t.User == 0 && t.Service == 0:
		return "it belongs to nobody"
	case t.Client == "":
		return "it has no OAuth client, so JupyterHub does not accept it either"
	case expired(t.Expires, im.o.Now):
		return "it has expired"
	case !strings.HasPrefix(t.Hashed, "sha512:") || t.Prefix == "":
		return "its hash has a form that is not known"
	case im.users[t.User] == 0 && im.services[t.Service] == 0:
		return "the user or the service that it belongs to is not here"
	case !im.clients[t.Client]:
		return "its OAuth client is not here"
	}
	return ""
}

func expired(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

func (im *importer) writeToken(ctx context.Context, id, wish int64, t *Token) (int64, error) {
	scopes, note := listText(t.Scopes), limited(t.Note, 1023)
	if id != 0 {
		_, err := im.b.Exec(ctx, `UPDATE tokens SET client_id = $2, session_id = $3, scopes = $4, note = $5, expires = $6 WHERE id = $1`,
			id, t.Client, t.SessionID, scopes, note, micro(t.Expires))
		return id, err
	}
	created := t.Created
	if created.IsZero() {
		created = im.o.Now
	}
	columns := `user_id, service_id, hashed, prefix, client_id, session_id, scopes, note, created, expires, last_activity`
	values := `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11`
	args := []any{
		idOrNull(im.users[t.User]), idOrNull(im.services[t.Service]), t.Hashed, t.Prefix, t.Client, t.SessionID, scopes, note,
		micro(created), micro(t.Expires), micro(t.LastActivity),
	}
	if wish != 0 {
		columns, values, args = columns+`, id`, values+`, $12`, append(args, wish)
	}
	return im.b.ID(ctx, `INSERT INTO tokens (`+columns+`) VALUES (`+values+`) RETURNING id`, args...)
}

// bare gives scopes without filters: what is stored of a share holds for its server alone.
func bare(scopes []string) []string {
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		out[i], _, _ = strings.Cut(scope, "!")
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// serverLabels names the servers of the source.
func (im *importer) serverLabels() map[int64]string {
	labels := make(map[int64]string, len(im.src.Servers))
	for i := range im.src.Servers {
		s := &im.src.Servers[i]
		labels[s.ID] = im.names[s.User] + "/" + s.Name
	}
	return labels
}

func (im *importer) takeShares(ctx context.Context) error {
	s := im.report.Section("shares")
	labels, groupNames := im.serverLabels(), map[int64]string{}
	for _, g := range im.src.Groups {
		groupNames[g.ID] = g.Name
	}
	present := map[string]bool{}
	for _, h := range im.src.Shares {
		server, owner := im.servers[h.Server], im.users[h.Owner]
		user, group := im.users[h.User], im.groups[h.Group]
		of := labels[h.Server]
		with, target := "user "+im.names[h.User], `user_id`
		if h.Group != 0 {
			with, target = "group "+groupNames[h.Group], `group_id`
		}
		label := of + " with " + with
		switch {
		case expired(h.Expires, im.o.Now):
			s.leave("it has expired", label)
			continue
		case server == 0 || owner == 0 || (user == 0) == (group == 0):
			s.leave("its server, or whom it is with, is not here", label)
			continue
		}
		name := of + separator + with
		present[name] = true
		plain := Share{Scopes: bare(h.Scopes), Created: h.Created, Expires: h.Expires}
		err := im.take(ctx, s, thing{kind: "share", name: name, label: label, row: plain, write: func(ctx context.Context) error {
			_, err := im.b.Exec(ctx, `INSERT INTO shares (owner_id, server_id, user_id, group_id, scopes, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (server_id, `+target+`) DO UPDATE SET scopes = excluded.scopes, expires = excluded.expires`,
				owner, server, idOrNull(user), idOrNull(group), listText(plain.Scopes), micro(h.Created), micro(h.Expires))
			return err
		}})
		if err != nil {
			return err
		}
	}
	return im.forget(ctx, s, "share", present, func(parts []string) (int64, error) { return im.removeShare(ctx, parts) })
}

// removeShare removes a share by its name in the table imports: OWNER/SERVER, then user NAME or group NAME.
func (im *importer) removeShare(ctx context.Context, parts []string) (int64, error) {
	owner, server, _ := strings.Cut(parts[0], "/")
	kind, with, _ := strings.Cut(parts[1], " ")
	return im.b.Exec(ctx, `DELETE FROM shares WHERE server_id IN (SELECT s.id FROM servers s JOIN users u ON u.id = s.user_id WHERE u.name = $1 AND s.name = $2)
		AND `+kind+`_id IN (SELECT id FROM `+kind+`s WHERE name = $3)`, owner, server, with)
}

func (im *importer) takeShareCodes(ctx context.Context) error {
	s := im.report.Section("share codes")
	have, err := im.ids(ctx, `SELECT id, hashed FROM share_codes`)
	if err != nil {
		return err
	}
	taken := map[int64]bool{}
	for _, id := range have {
		taken[id] = true
	}
	present := map[string]bool{}
	labels := im.serverLabels()
	for _, k := range im.src.ShareCodes {
		present[k.Hashed] = true
		server, owner := im.servers[k.Server], im.users[k.Owner]
		label := "of " + labels[k.Server]
		switch {
		case expired(k.Expires, im.o.Now):
			s.leave("it has expired", label)
			continue
		case server == 0 || owner == 0:
			s.leave("its server is not here", label)
			continue
		case !strings.HasPrefix(k.Hashed, "sha512:") || k.Prefix == "":
			s.leave("its hash has a form that is not known", label)
			continue
		}
		id, plain := have[k.Hashed], k
		err := im.take(ctx, s, thing{kind: "share code", name: k.Hashed, label: label, row: plain, write: func(ctx context.Context) error {
			wish := k.ID
			if taken[wish] {
				wish = 0
			}
			made, err := im.writeShareCode(ctx, id, wish, owner, server, &k)
			taken[made] = true
			return err
		}})
		if err != nil {
			return err
		}
	}
	return im.forget(ctx, s, "share code", present, func(parts []string) (int64, error) {
		return im.b.Exec(ctx, `DELETE FROM share_codes WHERE id = $1`, have[parts[0]])
	})
}

func (im *importer) writeShareCode(ctx context.Context, id, wish, owner, server int64, k *ShareCode) (int64, error) {
	if id != 0 {
		_, err := im.b.Exec(ctx, `UPDATE share_codes SET scopes = $2, expires = $3, exchanges = CASE WHEN exchanges < $4 THEN $4 ELSE exchanges END WHERE id = $1`,
			id, listText(bare(k.Scopes)), micro(k.Expires), k.Exchanges)
		return id, err
	}
	columns, values := `owner_id, server_id, hashed, prefix, scopes, created, expires, exchanges, last_exchanged`, `$1, $2, $3, $4, $5, $6, $7, $8, $9`
	args := []any{owner, server, k.Hashed, k.Prefix, listText(bare(k.Scopes)), micro(k.Created), micro(k.Expires), k.Exchanges, micro(k.LastExchanged)}
	if wish != 0 {
		columns, values, args = columns+`, id`, values+`, $10`, append(args, wish)
	}
	return im.b.ID(ctx, `INSERT INTO share_codes (`+columns+`) VALUES (`+values+`) RETURNING id`, args...)
}
