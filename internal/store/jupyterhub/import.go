package jupyterhub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
)

// Options say how to import.
type Options struct {
	From   string // name of the source for the report, without a password
	DryRun bool
	Now    time.Time

	// Adopt looks whether a server that was running under JupyterHub still runs, and gives what is needed to go on with it.
	// A hub.Error says, for a person, why it cannot be taken over; any other error ends the import.
	Adopt func(ctx context.Context, key hub.ServerKey, s *Server) (*Adopted, error)
	// CheckScopes refuses scopes that do not exist.
	CheckScopes func(role string, scopes []string) error
	NewRunID    func() string
}

// Adopted is a running server that is taken over.
type Adopted struct {
	State   json.RawMessage // of our spawner
	Address string          // http://host:port
	Token   hub.Secret      // the server's own API token; empty when it cannot be found out
}

// Read reads the database of a JupyterHub at an address as in JupyterHub.db_url.
// Errors: ErrNotJupyterHub, ErrRevision and ErrInUse can be told apart.
func Read(ctx context.Context, rawURL string) (*Hub, string, error) {
	at, err := store.Locate(rawURL)
	if err != nil {
		return nil, "", err
	}
	var h *Hub
	switch {
	case at.Postgres != nil:
		h, err = ReadPostgres(ctx, at.Postgres)
	case at.Path == "":
		return nil, "", fmt.Errorf("%w: it is in memory", ErrNotJupyterHub)
	default:
		h, err = ReadSQLite(ctx, at.Path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", at.Name, err)
	}
	return h, at.Name, nil
}

// Import writes what a JupyterHub's database holds into ours, in one transaction. It may run again: then it takes what is new or has changed in
// JupyterHub since, and leaves what was changed here.
func Import(ctx context.Context, db *store.DB, src *Hub, o Options) (*Report, error) {
	im := &importer{o: o, src: src}
	if err := im.lookAtServers(ctx); err != nil {
		return nil, err
	}
	if err := db.Bulk(ctx, o.DryRun, func(b *store.Bulk) error { return im.run(ctx, b) }); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return im.report, nil
}

// importer is one import. Maps lead from the source's ids to ours; what is not in them was left out.
type importer struct {
	o       Options
	src     *Hub
	adopted map[int64]adoption // by the source's id of the server

	b      *store.Bulk
	report *Report
	known  map[string]map[string]string // kind and name to fingerprint: what earlier imports took

	users, groups, roles, services, servers map[int64]int64
	names                                   map[int64]string // of users, by the source's id
	tokens                                  map[string]int64 // our ids by hash
	clients                                 map[string]bool  // identifiers that exist here
}

// adoption is what became of a running server.
type adoption struct {
	*Adopted
	why string // it is not taken over
}

func (im *importer) run(ctx context.Context, b *store.Bulk) error {
	im.b, im.known = b, map[string]map[string]string{}
	im.report = &Report{From: im.o.From, Release: im.src.Release, Revision: im.src.Revision, DryRun: im.o.DryRun, Notes: []string{}}
	im.users, im.groups, im.roles, im.services, im.servers = map[int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]int64{}, map[int64]int64{}
	im.names, im.clients = map[int64]string{}, map[string]bool{}
	if err := im.remember(ctx); err != nil {
		return fmt.Errorf("read what was imported before: %w", err)
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"users", im.takeUsers},
		{"groups", im.takeGroups},
		{"group members", im.takeMembers},
		{"roles", im.takeRoles},
		{"role holders", im.takeHolders},
		{"services", im.takeServices},
		{"servers", im.takeServers},
		{"OAuth clients", im.takeClients},
		{"tokens", im.takeTokens},
		{"running servers", im.takeRuns},
		{"shares", im.takeShares},
		{"share codes", im.takeShareCodes},
	} {
		im.report.Section(step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	for range im.src.Codes {
		im.report.Section("authorization codes").leave("they live for ten minutes only; whoever was signing in does it again", "")
	}
	im.tellFaults()
	for _, table := range []string{"tokens", "share_codes"} {
		if err := b.PastIDs(ctx, table); err != nil {
			return err
		}
	}
	return im.audit(ctx)
}

func (im *importer) audit(ctx context.Context) error {
	detail := map[string]any{"from": im.report.From, "release": im.report.Release}
	for _, s := range im.report.Sections {
		if n := s.Taken + s.Updated + s.Removed; n > 0 {
			detail[s.What] = n
		}
	}
	return im.b.Audit(ctx, "db.import", "hub", detail)
}

func (im *importer) tellFaults() {
	for i, f := range im.src.Faults {
		if i == maxNames {
			im.report.note("%d more values could not be read.", len(im.src.Faults)-i)
			return
		}
		im.report.note("%s of row %d of the table %s %s; it is taken as missing.", f.Column, f.ID, f.Table, f.Problem)
	}
}

func (im *importer) remember(ctx context.Context) error {
	return im.b.Each(ctx, `SELECT kind, name, fingerprint FROM imports`, func(scan func(...any) error) error {
		var kind, name, fingerprint string
		if err := scan(&kind, &name, &fingerprint); err != nil {
			return err
		}
		if im.known[kind] == nil {
			im.known[kind] = map[string]string{}
		}
		im.known[kind][name] = fingerprint
		return nil
	})
}

// separator stands between the parts of a name in the table imports.
const separator = "\x1f"

// leftOut is why something is not taken, in words that follow "because".
type leftOut string

func (l leftOut) Error() string { return string(l) }

// thing is one row that may be taken.
type thing struct {
	kind  string // in the table imports
	name  string // that does not change
	label string // in the report
	row   any    // as it is in the source; what it holds decides whether it has changed
	write func(ctx context.Context) error
	// forward is a statement, the id of the row here and a time: it only ever moves that time on, also in a row that has not changed otherwise.
	forward []any
}

// take writes a thing unless it was taken before and has not changed in the source since.
func (im *importer) take(ctx context.Context, s *Section, t thing) error {
	mark := fingerprint(t.row)
	before := im.known[t.kind][t.name]
	if before == mark {
		moved, err := im.forward(ctx, t.forward)
		if err != nil {
			return err
		}
		s.Unchanged += 1 - moved
		s.Updated += moved
		return nil
	}
	err := t.write(ctx)
	if why, ok := errors.AsType[leftOut](err); ok {
		s.leave(string(why), t.label)
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := im.forward(ctx, t.forward); err != nil {
		return err
	}
	if before == "" {
		s.Taken++
	} else {
		s.Updated++
	}
	_, err = im.b.Exec(ctx, `INSERT INTO imports (kind, name, fingerprint) VALUES ($1, $2, $3)
		ON CONFLICT (kind, name) DO UPDATE SET fingerprint = excluded.fingerprint`, t.kind, t.name, mark)
	return err
}

func (im *importer) forward(ctx context.Context, statement []any) (int, error) {
	if len(statement) == 0 || statement[1] == int64(0) {
		return 0, nil // nothing to move, or a row that is new
	}
	n, err := im.b.Exec(ctx, statement[0].(string), statement[1:]...) //nolint:forcetypeassert // the statement is the first
	return int(min(n, 1)), err
}

// forget removes what was taken earlier and is not in the source any more, among the things of a kind.
func (im *importer) forget(ctx context.Context, s *Section, kind string, present map[string]bool, remove func(parts []string) (int64, error)) error {
	for name := range im.known[kind] {
		if present[name] {
			continue
		}
		n, err := remove(strings.Split(name, separator))
		if err != nil {
			return err
		}
		s.Removed += int(n)
		if _, err := im.b.Exec(ctx, `DELETE FROM imports WHERE kind = $1 AND name = $2`, kind, name); err != nil {
			return err
		}
	}
	return nil
}

func fingerprint(row any) string {
	text, err := json.Marshal(row)
	if err != nil {
		panic(err) // texts, numbers, times and JSON that was read: cannot be
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

const maxName = 255

// nameFault says why a name cannot be taken; empty when it can.
func nameFault(name string) leftOut {
	switch {
	case name == "":
		return "the name is empty"
	case utf8.RuneCountInString(name) > maxName:
		return "the name is longer than 255 characters"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "the name has characters that are not text"
	}
	return ""
}

func micro(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

func jsonOrNull(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

func listText(all []string) string {
	if len(all) == 0 {
		return "[]"
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // a list of texts always has a JSON form
	}
	return string(text)
}

func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func limited(s string, limit int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit])
	}
	return s
}
