package jupyterhub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/jupyterhub"
	"berdlhub/internal/store/storetest"
)

// adopt takes over the server of testdata/rows.sql whose process is 77.
func adopt(_ context.Context, _ hub.ServerKey, s *jupyterhub.Server) (*jupyterhub.Adopted, error) {
	if string(s.State) != `{"pid":77}` {
		return nil, hub.Errorf(hub.NotFound, "its process has ended")
	}
	return &jupyterhub.Adopted{State: json.RawMessage(`{"pid":77,"foreign":true}`), Address: "http://127.0.0.1:4321", Token: serverToken}, nil
}

func options() jupyterhub.Options {
	runs := 0
	return jupyterhub.Options{
		From: "SQLite file x", Now: now, Adopt: adopt,
		NewRunID: func() string { runs++; return fmt.Sprintf("run-%d", runs) },
		CheckScopes: func(_ string, scopes []string) error {
			if slices.Contains(scopes, "fly") {
				return errors.New("no such scope")
			}
			return nil
		},
	}
}

func take(t *testing.T, db *store.DB, src *jupyterhub.Hub, o jupyterhub.Options) *jupyterhub.Report {
	t.Helper()
	report, err := jupyterhub.Import(t.Context(), db, src, o)
	ok(t, err)
	return report
}

// counts gives a section in short: taken, updated, unchanged, removed, and why something was left out.
func counts(r *jupyterhub.Report) map[string]string {
	all := map[string]string{}
	for _, s := range r.Sections {
		text := fmt.Sprintf("%d/%d/%d/%d", s.Taken, s.Updated, s.Unchanged, s.Removed)
		for _, l := range s.LeftOut {
			text += fmt.Sprintf(" %s (%s)", strings.Join(l.Names, ","), l.Why)
		}
		all[s.What] = text
	}
	return all
}

func wantCounts(t *testing.T, r *jupyterhub.Report, want map[string]string) {
	t.Helper()
	got := counts(r)
	for what, text := range want {
		if got[what] != text {
			t.Errorf("%s: %s, want %s", what, got[what], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the report has %d sections, want %d: %v", len(got), len(want), got)
	}
}

// everything is the report of the first import of testdata/rows.sql.
var everything = map[string]string{
	"users":               "2/0/0/0 a/b (the name has a slash)",
	"groups":              "2/0/0/0",
	"group members":       "3/0/0/0  in guests (the user or the group is not here)",
	"roles":               "2/0/0/0 strange (it has a scope that does not exist here)",
	"role holders":        "6/0/0/0 user bea as strange (the role, or who holds it, is not here)",
	"services":            "2/0/0/0",
	"servers":             "3/0/0/0  (its user is not here)",
	"OAuth clients":       "2/0/0/0 orphan (it belongs to no server and no service that is here)",
	"running servers":     "1/0/0/0 bea (its process has ended)",
	"shares":              "2/0/0/0 ada/ with group lab (it has expired)",
	"share codes":         "1/0/0/0",
	"authorization codes": "0/0/0/0  (they live for ten minutes only; whoever was signing in does it again)",
	"tokens": "4/0/0/0 a8 (it has expired) a9 (it has no OAuth client, so JupyterHub does not accept it either)" +
		" a12 (its OAuth client is not here) a13 (the user or the service that it belongs to is not here)" +
		" a14 (it was given to a server that does not run any more)",
}

// again is the report when nothing has changed.
func again() map[string]string {
	all := map[string]string{}
	for what, text := range everything {
		var taken int
		var rest string
		if _, err := fmt.Sscanf(text, "%d", &taken); err != nil {
			panic(err)
		}
		_, rest, _ = strings.Cut(text, "/0/0/0")
		all[what] = fmt.Sprintf("0/0/%d/0%s", taken, rest)
	}
	return all
}

func TestImport(t *testing.T) {
	t.Parallel()
	url := full(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		src := read(t, url)
		wantCounts(t, take(t, db, src, options()), everything)
		checkPeople(t, db)
		checkTokens(t, db)
		checkRunning(t, db)
		wantCounts(t, take(t, db, read(t, url), options()), again())
		log, err := db.AuditLog(t.Context(), store.AuditFilter{Action: "db.import"})
		ok(t, err)
		if len(log) != 2 || !strings.Contains(string(log[1].Detail), `"users":2`) || strings.Contains(string(log[1].Detail), "sha512") {
			t.Errorf("the audit log has %+v", log)
		}
	})
}

func checkPeople(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	ada, err := db.UserByCookie(ctx, "c00c1e0000000000000000000000ada0")
	ok(t, err)
	if ada.Name != "ada" || !ada.Admin || string(ada.AuthState) != "gAAA" || ada.Created.Year() != 2026 || ada.LastActivity.Month() != 3 {
		t.Errorf("ada is %+v", ada)
	}
	bea, err := db.UserByName(ctx, "bea")
	ok(t, err)
	access, err := db.AccessOfUser(ctx, bea.ID)
	ok(t, err)
	if fmt.Sprint(access.Groups) != "[guests lab]" || len(access.Roles) != 1 || len(access.GroupRoles) != 1 || access.GroupRoles[0].Name != "watcher" {
		t.Errorf("bea may %+v", access)
	}
	if got := fmt.Sprint(access.Shares); got != "[access:servers!server=ada/ access:servers!server=ada/ read:servers!server=ada/]" {
		t.Errorf("shared with bea is %s", got)
	}
	service, err := db.ServiceByName(ctx, "report")
	ok(t, err)
	if service.OAuthClientID != "service-report" || service.FromConfig || fmt.Sprint(service.AllowedScopes) != "[inherit]" {
		t.Errorf("the service is %+v", service)
	}
}

func checkTokens(t *testing.T, db *store.DB) {
	t.Helper()
	kept, err := db.TokenByPlain(t.Context(), keptToken, now)
	ok(t, err)
	if kept.ID != 7 || kept.Note != "kept" || kept.Expires.Year() != 2030 || kept.RunID != "" {
		t.Errorf("the token is %+v", kept)
	}
	fresh := &hub.Token{UserID: kept.UserID, Hashed: "sha512:1:x:x", Prefix: "xxxx", Created: now}
	ok(t, db.CreateToken(t.Context(), fresh))
	if fresh.ID <= 11 {
		t.Errorf("a new token has the id %d", fresh.ID)
	}
}

// checkRunning holds the server that goes on running against one that was started here.
func checkRunning(t *testing.T, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	srv, err := db.ServerByKey(ctx, hub.ServerKey{User: "ada"})
	ok(t, err)
	if srv.Phase != hub.Ready || srv.Wanted != hub.WantRunning || srv.Address != "http://127.0.0.1:4321" || srv.Started.Day() != 28 || srv.RunID == "" {
		t.Errorf("the server is %+v", srv)
	}
	entries, err := db.EntriesOfRun(ctx, srv.RunID)
	ok(t, err)
	var kinds []string
	for _, e := range entries {
		kinds = append(kinds, e.Kind+":"+string(e.State))
	}
	if fmt.Sprint(kinds) != "[token:made client:made process:made]" {
		t.Errorf("the journal has %v", kinds)
	}
	own, err := db.TokenByPlain(ctx, serverToken, now)
	ok(t, err)
	if own.RunID != srv.RunID {
		t.Errorf("the server's token belongs to the run %q", own.RunID)
	}
	client, err := db.ClientByID(ctx, "jupyterhub-user-ada")
	ok(t, err)
	if client.ServerID != srv.ID {
		t.Errorf("the OAuth client belongs to server %d", client.ServerID)
	}
	big, err := db.ServerByKey(ctx, hub.ServerKey{User: "ada", Server: "big"})
	ok(t, err)
	if big.Phase != hub.Stopped || big.DisplayName != "Big one" || !strings.Contains(string(big.State), "claim-ada") {
		t.Errorf("the second server is %+v", big)
	}
	if bea, err := db.ServerByKey(ctx, hub.ServerKey{User: "bea"}); err != nil || bea.Phase != hub.Stopped {
		t.Errorf("bea's server is %+v, %v", bea, err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	url := full(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := options()
		o.DryRun = true
		wantCounts(t, take(t, db, read(t, url), o), everything)
		if _, err := db.UserByName(t.Context(), "ada"); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("a dry run has made a user: %v", err)
		}
		wantCounts(t, take(t, db, read(t, url), options()), everything)
	})
}

// TestImportAgain takes what has changed in JupyterHub, and leaves what was changed here.
func TestImportAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		path := source(t, "schema6.sql", "rows.sql")
		url := "sqlite:///" + path
		ctx := t.Context()
		take(t, db, read(t, url), options())
		ada, err := db.UserByName(ctx, "ada")
		ok(t, err)
		ok(t, db.SetAdmin(ctx, ada.ID, false))
		bea, err := db.UserByName(ctx, "bea")
		ok(t, err)
		ok(t, db.SetAdmin(ctx, bea.ID, true))
		change(t, path, `UPDATE users SET last_activity = '2026-03-02 00:00:00' WHERE name = 'ada';
			UPDATE groups SET properties = '{"quota": 4}' WHERE name = 'lab';
			DELETE FROM user_group_map WHERE user_id = 2 AND group_id = 1;
			DELETE FROM group_role_map;
			DELETE FROM api_tokens WHERE id = 7;
			DELETE FROM shares WHERE id = 1;
			UPDATE roles SET scopes = '["list:users"]' WHERE name = 'watcher';
			INSERT INTO users (id, name, cookie_id) VALUES (9, 'cy', 'c00c1ec')`)
		report := take(t, db, read(t, url), options())
		got := counts(report)
		for what, want := range map[string]string{
			"users": "1/1/1/0", "groups": "0/1/1/0", "group members": "0/0/2/1", "roles": "0/1/1/0", "role holders": "0/0/5/1",
			"tokens": "0/0/3/1", "shares": "0/0/1/1", "running servers": "0/0/1/0", "servers": "0/0/3/0",
		} {
			if !strings.HasPrefix(got[what], want) {
				t.Errorf("%s: %s, want %s", what, got[what], want)
			}
		}
		ada, err = db.UserByName(ctx, "ada")
		ok(t, err)
		bea, err = db.UserByName(ctx, "bea")
		ok(t, err)
		if ada.Admin || !bea.Admin || ada.LastActivity.Day() != 2 {
			t.Errorf("ada is %+v, bea %+v", ada, bea)
		}
		if _, err := db.TokenByPlain(ctx, keptToken, now); hub.CodeOf(err) != hub.NotFound {
			t.Errorf("a token that JupyterHub has revoked: %v", err)
		}
		access, err := db.AccessOfUser(ctx, bea.ID)
		ok(t, err)
		if fmt.Sprint(access.Groups) != "[guests]" || len(access.GroupRoles) != 0 || len(access.Shares) != 2 {
			t.Errorf("bea may %+v", access)
		}
	})
}

// TestServerThatRunsHere is not replaced by what JupyterHub ran.
func TestServerThatRunsHere(t *testing.T) {
	t.Parallel()
	url := full(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		_, err := db.CreateUser(ctx, "ada", false, now)
		ok(t, err)
		key := hub.ServerKey{User: "ada"}
		_, _, err = db.EnsureServer(ctx, key, "", now)
		ok(t, err)
		_, _, err = db.AskStart(ctx, store.StartAsk{Key: key, RunID: "mine", Now: now})
		ok(t, err)
		got := counts(take(t, db, read(t, url), options()))
		if want := "0/0/0/0 ada (another run of the server exists here) bea (its process has ended)"; got["running servers"] != want {
			t.Errorf("running servers: %s, want %s", got["running servers"], want)
		}
		srv, err := db.ServerByKey(ctx, key)
		ok(t, err)
		if srv.RunID != "mine" || srv.Phase != hub.Starting {
			t.Errorf("the server is %+v", srv)
		}
	})
}

// TestTokenOfRunByNote: when the process does not tell its token, it is the newest that JupyterHub made for the server.
func TestTokenOfRunByNote(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	path := source(t, "schema6.sql", "rows.sql")
	change(t, path, `INSERT INTO api_tokens (id, user_id, hashed, prefix, client_id, created, note, scopes)
		VALUES (2, 1, 'sha512:1:2:2', '2222', 'jupyterhub', '2026-01-01 00:00:00', 'Server at /user/ada/', '[]')`)
	o := options()
	o.Adopt = func(ctx context.Context, k hub.ServerKey, s *jupyterhub.Server) (*jupyterhub.Adopted, error) {
		found, err := adopt(ctx, k, s)
		if found != nil {
			found.Token = ""
		}
		return found, err
	}
	take(t, db, read(t, "sqlite:///"+path), o)
	own, err := db.TokenByPlain(t.Context(), serverToken, now)
	ok(t, err)
	if own.RunID == "" {
		t.Error("the server's token belongs to no run")
	}
	if _, err := db.TokenByID(t.Context(), 2); hub.CodeOf(err) != hub.NotFound {
		t.Errorf("the token of an earlier run: %v", err)
	}
}

func TestReportPrints(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	path := source(t, "schema6.sql", "rows.sql")
	change(t, path, "INSERT INTO users (id, name, cookie_id) VALUES (20, 'evil/\x1b[2J', 'z')")
	o := options()
	o.DryRun = true
	var out strings.Builder
	ok(t, take(t, db, read(t, "sqlite:///"+path), o).Print(&out))
	text := out.String()
	for _, part := range []string{
		"JupyterHub 6.0 or 6.1", "left out", "running servers", "because its process has ended", "Nothing was written", "evil/?[2J",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the report lacks %q:\n%s", part, text)
		}
	}
	if strings.Contains(text, "sha512") || strings.Contains(text, "\x1b") || strings.Contains(text, "c00c1e") {
		t.Errorf("the report says too much:\n%s", text)
	}
}
