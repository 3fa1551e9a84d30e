package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/kbase"
	"berdlhub/internal/kbase/kbasetest"
	"berdlhub/internal/spawn/spawntest"
)

// refusal is a sign-in that must fail.
type refusal struct {
	account string // whose session the browser brings; empty: none
	token   string // in place of an account's
	fault   kbasetest.Fault
	asked   []kbasetest.Question
	gone    bool // KBase's auth service is not there
	status  int
	says    []string // what to do, which role, whom to ask
	to      string   // where a redirect leads, and what its page is asked for
}

var (
	again  = []string{"KBase sign-in does not answer properly at the moment", "try again in a minute"}
	log    = []string{"Log in to KBase to continue", "/login?nextRequest="}
	asking = kbasetest.TokenQuestion
	me     = kbasetest.MeQuestion
)

var refusals = map[string]refusal{
	"no cookie":        {status: 401, says: append([]string{"missing kbase_session and kbase_session_backup cookie"}, log...)},
	"false token":      {token: "NOSUCHTOKEN", status: 401, says: append([]string{"token is invalid"}, log...)},
	"impossible token": {token: strings.Repeat("x", 5000), status: 401, says: append([]string{"token is invalid"}, log...)},
	"expired token":    {account: "xena", status: 401, says: append([]string{"Your KBase session has expired"}, log...)},
	"role missing":     {account: "noel", status: 403, says: []string{"one of the following roles: BERDL_STAFF, BERDL_USER", "contact the KBASE or BERDL administrators", "Log out of KBase"}},
	"other roles only": {account: "rosa", status: 403, says: []string{"one of the following roles: BERDL_STAFF, BERDL_USER"}},
	"MFA missing":      {account: "mona", status: 302, to: "/hub/mfa-required?mfa_status=NotUsed", says: []string{"Multi-Factor Authentication Required", "Current MFA Status: <strong>NotUsed", "Turn on two-factor authentication"}},
	"MFA not known":    {account: "uma", status: 302, to: "/hub/mfa-required?mfa_status=Unknown", says: []string{"Current MFA Status: <strong>Unknown"}},
	"reserved name":    {account: "root", status: 403, says: []string{"is reserved here", "administrators"}},
	"500":              {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Errs, Status: 500}, status: 503, says: again},
	"500 to me":        {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Errs, Status: 500}, asked: []kbasetest.Question{me}, status: 503, says: again},
	"error 10020":      {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Errs, AppCode: 10020}, status: 401, says: log},
	"garbage":          {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Garbage}, status: 503, says: again},
	"garbage from me":  {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Garbage}, asked: []kbasetest.Question{me}, status: 503, says: again},
	"gateway":          {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Gateway}, status: 503, says: again},
	"empty":            {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Empty}, status: 503, says: again},
	"wrong types":      {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.WrongTypes}, status: 503, says: again},
	"wrong type of me": {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.WrongTypes}, asked: []kbasetest.Question{me}, status: 503, says: again},
	"a list":           {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.NotObject}, status: 503, says: again},
	"too long":         {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.TooLong}, status: 503, says: again},
	"redirected":       {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Redirect}, status: 503, says: again},
	"hanging":          {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Hang}, status: 503, says: again},
	"me hanging":       {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Hang}, asked: []kbasetest.Question{me}, status: 503, says: again},
	"too slow":         {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Slow, Delay: time.Minute}, status: 503, says: again},
	"connection cut":   {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.Refuse}, status: 503, says: again},
	"nobody listens":   {account: "ada", gone: true, status: 503, says: again},
	"another user":     {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.OtherUser, User: "grace"}, asked: []kbasetest.Question{asking}, status: 503, says: again},
	"another me":       {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.OtherUser, User: "grace"}, asked: []kbasetest.Question{me}, status: 503, says: again},
	"nameless":         {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.OtherUser}, status: 503, says: again},
	"path as a name":   {account: "ada", fault: kbasetest.Fault{Kind: kbasetest.OtherUser, User: "../ada"}, status: 503, says: again},
}

// startKBase gives a stand-in of KBase with accounts of every kind, and a hub that uses it.
func startKBase(t *testing.T, o apptest.Options) (*apptest.Hub, *kbasetest.Server) {
	t.Helper()
	k := kbasetest.Start(t, kbasetest.Config{Accounts: append(kbasetest.Accounts(),
		kbasetest.Account{Name: "rosa", Roles: []string{"OTHER", "berdl_user", "BERDL_USERS"}},
		kbasetest.Account{Name: "uma", Roles: []string{kbasetest.ApprovedRole}, MFA: "Unknown"},
		kbasetest.Account{Name: "root", Roles: []string{kbasetest.ApprovedRole}},
		kbasetest.Account{Name: "api", Roles: []string{"BERDL_STAFF"}},
	)})
	return apptest.StartKBase(t, k, o), k
}

func TestSignInRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := spawntest.NewFake()
			h, k := startKBase(t, apptest.Options{Spawner: fake})
			b := h.Browser(t)
			token := tt.token
			if tt.account != "" {
				token = k.Login(tt.account)
			}
			if token != "" {
				b.SetCookie(kbase.SessionCookie, token)
			}
			if tt.fault.Kind != "" {
				k.Fail(tt.fault, tt.asked...)
			}
			if tt.gone {
				k.Stop()
			}
			began := time.Now()
			a := b.Post("/hub/login?next=/hub/spawn", nil)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
			if a.Status != tt.status || a.Location != tt.to {
				t.Fatalf("status %d to %q; want %d to %q\n%s", a.Status, a.Location, tt.status, tt.to, a.Body)
			}
			if tt.to != "" {
				a = b.Get(a.Location)
			}
			for _, words := range tt.says {
				if !strings.Contains(a.Body, words) {
					t.Errorf("the page does not say %q:\n%s", words, a.Body)
				}
			}
			if token != "" && strings.Contains(a.Body, token) {
				t.Error("the page shows the session's token")
			}
			nobodyCame(t, h, b, fake)
		})
	}
}

// nobodyCame checks that a refused sign-in left nothing: no cookie, no user, no server.
func nobodyCame(t *testing.T, h *apptest.Hub, b *apptest.Browser, fake *spawntest.Fake) {
	t.Helper()
	if b.Cookie(auth.LoginCookie) != "" {
		t.Error("the browser got a sign-in cookie")
	}
	for _, account := range []string{"ada", "grace", "noel", "mona", "xena", "rosa", "uma", "root"} {
		if h.Exists(t, account) {
			t.Errorf("user %s was made", account)
		}
	}
	if a := b.Get("/hub/spawn"); a.Status != http.StatusFound || !strings.HasPrefix(a.Location, "/hub/login") {
		t.Errorf("a start leads to %q with status %d", a.Location, a.Status)
	}
	for _, call := range fake.Calls() {
		if call.Op == spawntest.OpStart {
			t.Errorf("a server was started: %v", call)
		}
	}
}

func TestSignInByKBase(t *testing.T) {
	t.Parallel()
	h, k := startKBase(t, apptest.Options{})
	for account, admin := range map[string]string{"ada": `"admin":false`, "grace": `"admin":true`, "api": `"admin":false`} {
		b := h.Browser(t)
		b.SetCookie(kbase.BackupCookie, k.Login(account))
		if a := b.Get("/hub/login?next=/hub/token"); !strings.Contains(a.Body, "Log in with your KBase Account") {
			t.Errorf("%s: the page offers no sign-in:\n%s", account, a.Body)
		}
		if a := b.Post("/hub/login?next=/hub/token", nil); a.Status != http.StatusFound || a.Location != "/hub/token" {
			t.Errorf("%s: status %d to %q\n%s", account, a.Status, a.Location, a.Body)
		}
		if a := b.Get("/hub/home"); a.Status != http.StatusOK || !strings.Contains(a.Body, account) {
			t.Errorf("%s: home has status %d", account, a.Status)
		}
		if model := h.Service(t, http.MethodGet, "/users/"+account, "").Body; !strings.Contains(compact(model), admin) {
			t.Errorf("%s: want %s in %s", account, admin, model)
		}
	}
	// A person's page, although the name is that of a path of servers' programs.
	b := h.Browser(t)
	b.SetCookie(kbase.SessionCookie, k.Login("api"))
	b.Post("/hub/login", nil)
	if a := b.Get("/hub/user/api/lab"); a.Status != http.StatusFailedDependency || !strings.Contains(a.Body, "<html") {
		t.Errorf("status %d\n%s", a.Status, a.Body)
	}
}

// compact drops the spaces of JSON.
func compact(s string) string { return strings.ReplaceAll(s, " ", "") }

// signedIn gives a browser that ada has signed in with, and her KBase session.
func signedIn(t *testing.T, h *apptest.Hub, k *kbasetest.Server) (*apptest.Browser, string) {
	t.Helper()
	b, token := h.Browser(t), k.Login("ada")
	b.SetCookie(kbase.SessionCookie, token)
	if a := b.Post("/hub/login", nil); a.Status != http.StatusFound {
		t.Fatalf("sign in: status %d\n%s", a.Status, a.Body)
	}
	return b, token
}

const banner = "The sign-in service does not answer at the moment"

// home says how the home page answers: in, banner or out.
func home(t *testing.T, b *apptest.Browser) string {
	t.Helper()
	a := b.Get("/hub/home")
	switch {
	case a.Status == http.StatusFound && strings.HasPrefix(a.Location, "/hub/login"):
		return "out"
	case a.Status != http.StatusOK:
		t.Fatalf("home: status %d\n%s", a.Status, a.Body)
	case strings.Contains(a.Body, banner):
		return "banner"
	}
	return "in"
}

func TestSignInServiceDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]kbasetest.Fault{
		"gateway": {Kind: kbasetest.Gateway}, "hangs": {Kind: kbasetest.Hang}, "cut": {Kind: kbasetest.Refuse}, "garbage": {Kind: kbasetest.Garbage}, "500": {Kind: kbasetest.Errs, Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &apptest.Clock{}
			h, k := startKBase(t, apptest.Options{Now: clock.Now})
			b, _ := signedIn(t, h, k)
			k.Fail(fault)
			steps := []struct {
				wait time.Duration
				heal bool
				want string
			}{
				{wait: 100 * time.Second, want: "in"}, // its word is new enough
				{wait: 30 * time.Second, want: "banner"},
				{wait: 58 * time.Minute, want: "banner"},
				{wait: time.Minute, heal: true, want: "in"},
				{wait: time.Hour, want: "banner"},
				{wait: 2 * time.Hour, want: "banner"},
				{wait: time.Hour + time.Minute, want: "out"},
			}
			for i, step := range steps {
				clock.Advance(step.wait)
				if step.heal {
					k.Heal()
				}
				if got := home(t, b); got != step.want {
					t.Fatalf("step %d: %s; want %s", i, got, step.want)
				}
				if step.heal {
					k.Fail(fault)
				}
			}
			k.Heal()
			clock.Advance(time.Minute)
			if got := home(t, b); got != "in" {
				t.Errorf("after the outage: %s", got)
			}
		})
	}
}

func TestRefreshEndsSession(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(b *apptest.Browser, k *kbasetest.Server, token string)
		want   string
	}{
		"nothing changed": {func(*apptest.Browser, *kbasetest.Server, string) {}, "in"},
		"session revoked": {func(_ *apptest.Browser, k *kbasetest.Server, token string) { k.Revoke(token) }, "out"},
		"role taken":      {func(_ *apptest.Browser, k *kbasetest.Server, _ string) { k.Set(kbasetest.Account{Name: "ada"}) }, "out"},
		"MFA turned off": {func(_ *apptest.Browser, k *kbasetest.Server, _ string) {
			k.Set(kbasetest.Account{Name: "ada", Roles: []string{kbasetest.ApprovedRole}, MFA: "NotUsed"})
		}, "out"},
		"newer session": {func(b *apptest.Browser, k *kbasetest.Server, token string) {
			b.SetCookie(kbase.SessionCookie, k.Login("ada"))
			k.Revoke(token)
		}, "in"},
		"somebody else's newer session": {func(b *apptest.Browser, k *kbasetest.Server, token string) {
			b.SetCookie(kbase.SessionCookie, k.Login("grace"))
			k.Revoke(token)
		}, "out"},
		"false newer session": {func(b *apptest.Browser, _ *kbasetest.Server, _ string) { b.SetCookie(kbase.SessionCookie, "NOSUCH") }, "in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &apptest.Clock{}
			h, k := startKBase(t, apptest.Options{Now: clock.Now})
			b, token := signedIn(t, h, k)
			clock.Advance(121 * time.Second)
			tt.change(b, k, token)
			if got := home(t, b); got != tt.want {
				t.Fatalf("%s; want %s", got, tt.want)
			}
			clock.Advance(121 * time.Second)
			if got := home(t, b); got != tt.want {
				t.Errorf("later: %s; want %s", got, tt.want)
			}
			if h.Exists(t, "grace") {
				t.Error("somebody else's session made a user")
			}
		})
	}
}

func TestBecomesAdmin(t *testing.T) {
	t.Parallel()
	clock := &apptest.Clock{}
	h, k := startKBase(t, apptest.Options{Now: clock.Now})
	b, _ := signedIn(t, h, k)
	for _, admin := range []bool{false, true, false} {
		roles := []string{kbasetest.ApprovedRole}
		if admin {
			roles = append(roles, kbasetest.AdminRole)
		}
		k.Set(kbasetest.Account{Name: "ada", Roles: roles})
		clock.Advance(121 * time.Second)
		if got := home(t, b); got != "in" {
			t.Fatalf("admin %t: %s", admin, got)
		}
		if a := b.API(http.MethodGet, "/users/ada", ""); strings.Contains(compact(a.Body), `"admin":true`) != admin {
			t.Errorf("admin %t: %s", admin, a.Body)
		}
	}
}

func TestRefreshToken(t *testing.T) {
	t.Parallel()
	h, k := startKBase(t, apptest.Options{})
	b, token := signedIn(t, h, k)
	a := b.API(http.MethodPost, "/refresh-token", "{}")
	if body := compact(a.Body); a.Status != http.StatusOK || !strings.Contains(body, `"success":true`) || !strings.Contains(body, `"expires":"20`) || !strings.Contains(body, `"expires_in_seconds":1209`) {
		t.Errorf("status %d: %s", a.Status, a.Body)
	}
	if a := b.Send(http.MethodPost, "/hub/api/refresh-token", "{}", "Content-Type", "application/json"); a.Status != http.StatusForbidden {
		t.Errorf("without _xsrf: status %d: %s", a.Status, a.Body)
	}
	if a := h.Browser(t).Send(http.MethodPost, "/hub/api/refresh-token", "{}"); a.Status != http.StatusForbidden {
		t.Errorf("nobody: status %d: %s", a.Status, a.Body)
	}
	k.Revoke(token)
	if a := b.API(http.MethodPost, "/refresh-token", "{}"); a.Status != http.StatusOK || !strings.Contains(compact(a.Body), `"success":false`) {
		t.Errorf("revoked: status %d: %s", a.Status, a.Body)
	}
	if strings.Contains(a.Body, token) {
		t.Error("the answer holds the token")
	}
}

// TestSignOutOfAnEndedSession signs out after KBase has ended the session: what was made in it must not outlive it.
func TestSignOutOfAnEndedSession(t *testing.T) {
	t.Parallel()
	clock, fake := &apptest.Clock{}, spawntest.NewFake()
	t.Cleanup(fake.Close)
	fake.Serve(apptest.SingleUser)
	h, k := startKBase(t, apptest.Options{Now: clock.Now, Spawner: fake})
	b, token := signedIn(t, h, k)
	h.Ready(t, hub.ServerKey{User: "ada"})
	if got := open(b); got != inside {
		t.Fatalf("before: %s", got)
	}
	if h.Tokens(t, "ada") == "" {
		t.Fatal("the visit made no token")
	}
	k.Revoke(token)
	clock.Advance(121 * time.Second)
	b.Get("/hub/logout")
	if got := h.Tokens(t, "ada"); got != "" {
		t.Errorf("tokens %s outlive the session", got)
	}
}
