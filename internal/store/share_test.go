package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/store/storetest"
)

// sharing is a server of owner, with ada and bob, who is in the group g.
type sharing struct {
	owner, ada, bob *hub.User
	lab, other      *hub.Server
}

func newSharing(t *testing.T, db *store.DB) *sharing {
	t.Helper()
	s := &sharing{owner: newUser(t, db, "owner"), ada: newUser(t, db, "ada"), bob: newUser(t, db, "bob")}
	s.lab, s.other = newServer(t, db, hub.ServerKey{User: "owner", Server: "lab"}), newServer(t, db, hub.ServerKey{User: "owner", Server: "other"})
	ok(t, db.SyncGroups(t.Context(), []store.GroupSpec{{Name: "g", Users: []string{"bob"}}, {Name: "empty"}}))
	return s
}

func scopesOf(s *hub.Share) string { return strings.Join(s.Scopes, " ") }

func wantShares(t *testing.T, db *store.DB, u *hub.User, want string) {
	t.Helper()
	a := must[*store.Access](t)(db.AccessOfUser(t.Context(), u.ID))
	if got := strings.Join(a.Shares, " "); got != want {
		t.Errorf("%s has shares %q, want %q", u.Name, got, want)
	}
}

func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ada := newSharing(t, db), hub.ShareTarget{User: "ada"}
		grant := func(with hub.ShareTarget, scopes ...string) *hub.Share {
			t.Helper()
			return must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, with, scopes, t0))
		}
		told := listen(t, db)
		h := grant(ada, "read:servers", "access:servers!server=somebody/else")
		if scopesOf(h) != "access:servers!server=owner/lab read:servers!server=owner/lab" || h.With != ada || h.Server != s.lab.Key || h.Ready || !h.Created.Equal(t0) {
			t.Errorf("share is %+v", h)
		}
		if all := told.take(); len(all) != 1 || all[0] != (store.Change{Kind: store.ChangeAccess, ID: s.ada.ID}) {
			t.Errorf("told %+v", all)
		}
		if again := grant(ada, "delete:servers", "read:servers"); again.ID != h.ID || len(again.Scopes) != 3 {
			t.Errorf("merged to %+v", again)
		}
		grant(hub.ShareTarget{Group: "g"}, "access:servers")
		if all := told.take(); len(all) != 2 || all[1] != (store.Change{Kind: store.ChangeAccess}) {
			t.Errorf("told %+v", all)
		}
		wantShares(t, db, s.ada, "access:servers!server=owner/lab delete:servers!server=owner/lab read:servers!server=owner/lab")
		wantShares(t, db, s.bob, "access:servers!server=owner/lab")

		revoke := func(with hub.ShareTarget, scopes ...string) *hub.Share {
			t.Helper()
			return must[*hub.Share](t)(db.RevokeShare(t.Context(), s.lab.ID, with, scopes, t0))
		}
		if rest := revoke(ada, "read:servers", "delete:servers", "tokens"); rest == nil || scopesOf(rest) != "access:servers!server=owner/lab" {
			t.Errorf("there remains %+v", rest)
		}
		if rest := revoke(ada, "tokens"); rest == nil || len(rest.Scopes) != 1 {
			t.Errorf("there remains %+v", rest)
		}
		if rest := revoke(ada); rest != nil {
			t.Errorf("there remains %+v", rest)
		}
		if rest := revoke(ada); rest != nil {
			t.Errorf("there remains %+v", rest)
		}
		wantShares(t, db, s.ada, "")
		ok(t, db.DeleteShares(t.Context(), s.lab.ID))
		ok(t, db.DeleteShares(t.Context(), s.lab.ID))
		wantShares(t, db, s.bob, "")

		for _, with := range []hub.ShareTarget{{User: "ghost"}, {Group: "ghost"}, {}} {
			_, err := db.GrantShare(t.Context(), s.lab.ID, with, []string{"access:servers"}, t0)
			wantCode(t, err, hub.NotFound)
			_, err = db.RevokeShare(t.Context(), s.lab.ID, with, nil, t0)
			wantCode(t, err, hub.NotFound)
		}
		_, err := db.GrantShare(t.Context(), 99, ada, nil, t0)
		wantCode(t, err, hub.NotFound)
		wantCode(t, db.DeleteShares(t.Context(), 99), hub.NotFound)
	})
}

func TestListShares(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		for _, srv := range []*hub.Server{s.lab, s.other} {
			for _, with := range []hub.ShareTarget{{User: "ada"}, {Group: "g"}, {Group: "empty"}} {
				must[*hub.Share](t)(db.GrantShare(t.Context(), srv.ID, with, []string{"access:servers"}, t0))
			}
		}
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "bob"}, []string{"read:servers"}, t0))
		for name, tt := range map[string]struct {
			filter store.ShareFilter
			want   string
			total  int
		}{
			"owner":           {store.ShareFilter{OwnerID: s.owner.ID}, "lab:ada lab:g lab:empty other:ada other:g other:empty lab:bob", 7},
			"server":          {store.ShareFilter{ServerID: s.other.ID}, "other:ada other:g other:empty", 3},
			"user and groups": {store.ShareFilter{With: hub.ShareTarget{User: "bob"}}, "lab:g other:g lab:bob", 3},
			"group":           {store.ShareFilter{With: hub.ShareTarget{Group: "empty"}}, "lab:empty other:empty", 2},
			"page":            {store.ShareFilter{OwnerID: s.owner.ID, Offset: 2, Limit: 2}, "lab:empty other:ada", 7},
			"past the end":    {store.ShareFilter{OwnerID: s.owner.ID, Offset: 9, Limit: 2}, "", 7},
			"nobody":          {store.ShareFilter{OwnerID: 99}, "", 0},
		} {
			all, total, err := db.Shares(t.Context(), tt.filter, t0)
			ok(t, err)
			var got []string
			for _, h := range all {
				got = append(got, h.Server.Server+":"+h.With.User+h.With.Group)
			}
			if strings.Join(got, " ") != tt.want || total != tt.total {
				t.Errorf("%s: %d of %q, want %d of %q", name, total, got, tt.total, tt.want)
			}
		}
		h := must[*hub.Share](t)(db.ShareWith(t.Context(), s.lab.ID, hub.ShareTarget{User: "bob"}, t0))
		if scopesOf(h) != "read:servers!server=owner/lab" { // direct ones only
			t.Errorf("share is %+v", h)
		}
		_, _, err := db.Shares(t.Context(), store.ShareFilter{With: hub.ShareTarget{User: "ghost"}}, t0)
		wantCode(t, err, hub.NotFound)
		_, err = db.ShareWith(t.Context(), s.other.ID, hub.ShareTarget{User: "bob"}, t0)
		wantCode(t, err, hub.NotFound)
	})
}

// TestSharesFollowNames renames a server and its owner: shares keep to the server, and a server that takes its name has none.
func TestSharesFollowNames(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "ada"}, []string{"access:servers"}, t0))
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.other.ID, hub.ShareTarget{Group: "g"}, []string{"access:servers"}, t0))
		code, _, err := db.CreateShareCode(t.Context(), s.lab.ID, []string{"read:servers"}, t0.Add(secondsOf(60)), t0)
		ok(t, err)
		ok(t, db.Exec(t.Context(), `UPDATE servers SET name = 'new' WHERE name = 'lab'`))
		ok(t, db.Exec(t.Context(), `UPDATE servers SET name = 'lab' WHERE name = 'other'`))
		ok(t, db.Exec(t.Context(), `UPDATE users SET name = 'boss' WHERE name = 'owner'`))
		wantShares(t, db, s.ada, "access:servers!server=boss/new")
		wantShares(t, db, s.bob, "access:servers!server=boss/lab")
		must[*hub.Share](t)(db.AcceptShareCode(t.Context(), code.Reveal(), s.ada.ID, t0))
		wantShares(t, db, s.ada, "access:servers!server=boss/new read:servers!server=boss/new")
	})
}

func TestShareCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		later := t0.Add(secondsOf(60))
		code, k, err := db.CreateShareCode(t.Context(), s.lab.ID, []string{"access:servers"}, later, t0)
		ok(t, err)
		if len(code.Reveal()) != 43 || k.Server != s.lab.Key || k.Exchanges != 0 || !k.LastExchanged.IsZero() || !k.Expires.Equal(later) || k.Scopes[0] != "access:servers!server=owner/lab" {
			t.Errorf("code %q is %+v", code.Reveal(), k)
		}
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "ada"}, []string{"read:servers"}, t0))
		for range 2 {
			h := must[*hub.Share](t)(db.AcceptShareCode(t.Context(), code.Reveal(), s.ada.ID, t0))
			if scopesOf(h) != "access:servers!server=owner/lab read:servers!server=owner/lab" {
				t.Errorf("share is %+v", h)
			}
		}
		_, err = db.AcceptShareCode(t.Context(), code.Reveal(), s.owner.ID, t0)
		wantCode(t, err, hub.Invalid)
		found := must[*hub.ShareCode](t)(db.ShareCodeByValue(t.Context(), code.Reveal(), t0))
		if found.ID != k.ID || found.Exchanges != 2 || !found.LastExchanged.Equal(t0) {
			t.Errorf("found %+v", found)
		}
		for _, wrong := range []string{"", "short", code.Reveal()[:42], strings.ToUpper(code.Reveal()), code.Reveal() + "x", "a\x00" + code.Reveal(), "\xff" + code.Reveal()} {
			_, err := db.ShareCodeByValue(t.Context(), wrong, t0)
			wantCode(t, err, hub.NotFound)
			_, err = db.AcceptShareCode(t.Context(), wrong, s.ada.ID, t0)
			wantCode(t, err, hub.NotFound)
		}
		_, err = db.AcceptShareCode(t.Context(), code.Reveal(), s.ada.ID, later)
		wantCode(t, err, hub.NotFound)

		_, k2, err := db.CreateShareCode(t.Context(), s.other.ID, []string{"access:servers"}, later, t0)
		ok(t, err)
		list := func(f store.ShareCodeFilter, want, total int) {
			t.Helper()
			all, n, err := db.ShareCodes(t.Context(), f, t0)
			ok(t, err)
			if len(all) != want || n != total {
				t.Errorf("%+v gives %d of %d, want %d of %d", f, len(all), n, want, total)
			}
		}
		list(store.ShareCodeFilter{OwnerID: s.owner.ID}, 2, 2)
		list(store.ShareCodeFilter{OwnerID: s.owner.ID, Offset: 1, Limit: 5}, 1, 2)
		list(store.ShareCodeFilter{ServerID: s.other.ID}, 1, 1)
		list(store.ShareCodeFilter{OwnerID: s.ada.ID}, 0, 0)

		wantCode(t, db.DeleteShareCode(t.Context(), s.lab.ID, k2.ID), hub.NotFound) // of another server
		ok(t, db.DeleteShareCode(t.Context(), s.other.ID, k2.ID))
		ok(t, db.DeleteShareCodes(t.Context(), s.lab.ID))
		list(store.ShareCodeFilter{}, 0, 0)
		_, _, err = db.CreateShareCode(t.Context(), s.lab.ID, []string{"access:servers"}, later, t0)
		ok(t, err)
		ok(t, db.PurgeExpired(t.Context(), later))
		var left int
		for _, f := range []store.ShareCodeFilter{{}, {ServerID: s.lab.ID}} {
			_, n, err := db.ShareCodes(t.Context(), f, t0)
			ok(t, err)
			left += n
		}
		if left != 0 {
			t.Errorf("%d expired codes are left", left)
		}
		wantShares(t, db, s.ada, "access:servers!server=owner/lab read:servers!server=owner/lab")
	})
}

// TestShareAudit holds that the audit log tells what was shared, without the code.
func TestShareAudit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := newSharing(t, db), hub.WithActor(t.Context(), hub.Actor{Kind: "user", Name: "eve"})
		code, k, err := db.CreateShareCode(ctx, s.lab.ID, []string{"access:servers"}, t0.Add(secondsOf(60)), t0)
		ok(t, err)
		must[*hub.Share](t)(db.AcceptShareCode(ctx, code.Reveal(), s.ada.ID, t0))
		ok(t, db.DeleteShareCode(ctx, s.lab.ID, k.ID))
		must[*hub.Share](t)(db.RevokeShare(ctx, s.lab.ID, hub.ShareTarget{User: "ada"}, nil, t0))
		must[*hub.Share](t)(db.GrantShare(ctx, s.lab.ID, hub.ShareTarget{Group: "g"}, []string{"read:servers"}, t0))
		ok(t, db.DeleteShares(ctx, s.lab.ID))
		var told []string
		for _, e := range must[[]store.AuditEntry](t)(db.AuditLog(t.Context(), store.AuditFilter{Actor: "eve"})) {
			told = append(told, e.Action+" "+e.Target+" "+string(e.Detail))
			if strings.Contains(string(e.Detail), code.Reveal()) {
				t.Errorf("the audit log tells the code: %s", e.Detail)
			}
		}
		want := []string{
			`share.revoke server/owner/lab {"shares":1}`,
			`share.grant server/owner/lab {"group":"g","scopes":["read:servers!server=owner/lab"]}`,
			`share.revoke server/owner/lab {"scopes":["access:servers!server=owner/lab"],"user":"ada"}`,
			fmt.Sprintf(`sharecode.delete server/owner/lab {"id":%d}`, k.ID),
			fmt.Sprintf(`sharecode.accept server/owner/lab {"id":%d,"scopes":["access:servers!server=owner/lab"],"user":"ada"}`, k.ID),
			fmt.Sprintf(`sharecode.create server/owner/lab {"id":%d,"scopes":["access:servers!server=owner/lab"]}`, k.ID),
		}
		if !slices.Equal(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
	})
}

func TestSharesGoWithWhatTheyAreOf(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newSharing(t, db)
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "ada"}, []string{"access:servers"}, t0))
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.other.ID, hub.ShareTarget{User: "ada"}, []string{"access:servers"}, t0))
		must[*hub.Share](t)(db.GrantShare(t.Context(), s.lab.ID, hub.ShareTarget{User: "bob"}, []string{"access:servers"}, t0))
		code, _, err := db.CreateShareCode(t.Context(), s.lab.ID, []string{"access:servers"}, t0.Add(secondsOf(60)), t0)
		ok(t, err)
		ok(t, db.DeleteUser(t.Context(), s.bob.ID))
		ok(t, db.DeleteServer(t.Context(), s.other.ID))
		wantShares(t, db, s.ada, "access:servers!server=owner/lab")
		ok(t, db.DeleteUser(t.Context(), s.owner.ID))
		wantShares(t, db, s.ada, "")
		_, err = db.ShareCodeByValue(t.Context(), code.Reveal(), t0)
		wantCode(t, err, hub.NotFound)
	})
}
