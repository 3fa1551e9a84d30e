package kbase_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/kbase"
	"berdlhub/internal/kbase/kbasetest"
)

const rolesText = "Access denied. Your account requires one of the following roles: BERDL_STAFF, BERDL_USER. " +
	"Please contact the KBASE or BERDL administrators for assistance."

func open(t *testing.T, accounts []kbasetest.Account, change func(*kbase.Config)) (*kbasetest.Server, *kbase.Authenticator) {
	t.Helper()
	server := kbasetest.Start(t, kbasetest.Config{Accounts: accounts})
	c := kbase.Config{
		AuthURL: server.AuthURL, Origin: server.Origin,
		ApprovedRoles: []string{" BERDL_USER ", "BERDL_STAFF", ""}, AdminRoles: []string{kbasetest.AdminRole},
	}
	if change != nil {
		change(&c)
	}
	a, err := kbase.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return server, a
}

// browser makes a request with cookies given as name, value, name, value.
func browser(t *testing.T, target string, cookies ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i < len(cookies); i += 2 {
		r.AddCookie(&http.Cookie{Name: cookies[i], Value: cookies[i+1]})
	}
	return r
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, nil)
	token := server.Login("grace")
	id, err := a.SignIn(t.Context(), browser(t, "/hub/login", kbase.SessionCookie, token))
	if err != nil {
		t.Fatal(err)
	}
	if id.Name != "grace" || id.Admin == nil || !*id.Admin || id.Session != kbase.Fingerprint(token) {
		t.Errorf("got %q admin %v session %q", id.Name, id.Admin, id.Session)
	}
	if id.State["kbase_token"] != token || id.State["mfa_status"] != "Used" {
		t.Error("state lacks the token or the second factor")
	}
	iso, _ := id.State["token_expires"].(string)
	if at, err := time.Parse(time.RFC3339Nano, iso); err != nil || !at.Equal(id.Expires) || time.Until(at) < 13*24*time.Hour {
		t.Errorf("token_expires %q, Expires %v: %v", iso, id.Expires, err)
	}
	if id, err := a.SignIn(t.Context(), browser(t, "/", kbase.BackupCookie, server.Login("ada"))); err != nil || id.Name != "ada" || *id.Admin {
		t.Errorf("backup cookie: got %+v, %v", id, err)
	}
}

func TestSessionWithoutEnd(t *testing.T) {
	t.Parallel()
	server, a := open(t, []kbasetest.Account{{Name: "ada", Roles: []string{"BERDL_USER"}, NoEnd: true}}, nil)
	id, err := a.SignIn(t.Context(), browser(t, "/", kbase.SessionCookie, server.Login("ada")))
	if err != nil || id.State["token_expires"] != nil || !id.Expires.IsZero() {
		t.Errorf("got %+v, %v", id, err)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, nil)
	ada, grace, noel, xena := server.Login("ada"), server.Login("grace"), server.Login("noel"), server.Login("xena")
	invalid := "KBase auth server reported token is invalid."
	for name, tt := range map[string]struct {
		cookies []string
		user    string
		code    hub.Code
		message string
	}{
		"none":                       {nil, "", hub.Unauthorized, "Authentication required - missing kbase_session and kbase_session_backup cookie."},
		"empty":                      {[]string{"kbase_session", ""}, "", hub.Unauthorized, "Authentication required - missing kbase_session and kbase_session_backup cookie."},
		"unknown":                    {[]string{"kbase_session", "NOSUCH"}, "", hub.Unauthorized, invalid},
		"both unknown":               {[]string{"kbase_session", "NOSUCH", "kbase_session_backup", "NEITHER"}, "", hub.Unauthorized, invalid},
		"first wins":                 {[]string{"kbase_session_backup", grace, "kbase_session", ada}, "ada", "", ""},
		"backup after unknown":       {[]string{"kbase_session", "NOSUCH", "kbase_session_backup", ada}, "ada", "", ""},
		"backup after expired":       {[]string{"kbase_session", xena, "kbase_session_backup", ada}, "ada", "", ""},
		"no backup after forbidden":  {[]string{"kbase_session", noel, "kbase_session_backup", ada}, "", hub.Forbidden, rolesText},
		"expired":                    {[]string{"kbase_session", xena}, "", hub.Unauthorized, "Your KBase session has expired. Please log in to KBase again."},
		"cannot be in a header":      {[]string{"kbase_session", "a b"}, "", hub.Unauthorized, invalid},
		"too long to be a token":     {[]string{"kbase_session", strings.Repeat("A", 5000)}, "", hub.Unauthorized, invalid},
		"stale twin of the cookie":   {[]string{"kbase_session", "STALE", "kbase_session", ada}, "ada", "", ""},
		"more sessions than we try":  {[]string{"kbase_session", "A", "kbase_session", "B", "kbase_session", "C", "kbase_session", "D", "kbase_session", ada}, "", hub.Unauthorized, invalid},
		"prefix is not ours to take": {[]string{"kbase_session", "Bearer%20" + ada}, "", hub.Unauthorized, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := a.SignIn(t.Context(), browser(t, "/", tt.cookies...))
			if tt.user != "" {
				if err != nil || id.Name != tt.user {
					t.Fatalf("got %+v, %v; want %s", id, err, tt.user)
				}
				return
			}
			if err == nil || hub.CodeOf(err) != tt.code || hub.MessageOf(err) != tt.message {
				t.Fatalf("got %v %q; want %v %q", hub.CodeOf(err), hub.MessageOf(err), tt.code, tt.message)
			}
		})
	}
}

func TestWhoMayComeIn(t *testing.T) {
	t.Parallel()
	roles := []string{"BERDL_USER"}
	for name, tt := range map[string]struct {
		account kbasetest.Account
		code    hub.Code // empty: may come in
		text    string   // in the message
	}{
		"approved":              {kbasetest.Account{Name: "ada", Roles: roles}, "", ""},
		"other approved role":   {kbasetest.Account{Name: "ada_1", Roles: []string{"X", "BERDL_STAFF"}}, "", ""},
		"no role":               {kbasetest.Account{Name: "ada"}, hub.Forbidden, rolesText},
		"other case of role":    {kbasetest.Account{Name: "ada", Roles: []string{"berdl_user"}}, hub.Forbidden, rolesText},
		"role with a space":     {kbasetest.Account{Name: "ada", Roles: []string{"BERDL_USER "}}, hub.Forbidden, rolesText},
		"empty role":            {kbasetest.Account{Name: "ada", Roles: []string{""}}, hub.Forbidden, rolesText},
		"admin role alone":      {kbasetest.Account{Name: "ada", Roles: []string{kbasetest.AdminRole}}, hub.Forbidden, rolesText},
		"longest name":          {kbasetest.Account{Name: strings.Repeat("a", 100), Roles: roles}, "", ""},
		"name too long":         {kbasetest.Account{Name: strings.Repeat("a", 101), Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"upper case name":       {kbasetest.Account{Name: "Ada", Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"name with a slash":     {kbasetest.Account{Name: "a/b", Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"name with a hyphen":    {kbasetest.Account{Name: "a-b", Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"name of digits":        {kbasetest.Account{Name: "1a", Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"name beyond ASCII":     {kbasetest.Account{Name: "adä", Roles: roles}, hub.Unavailable, "KBase sign-in"},
		"reserved global_share": {kbasetest.Account{Name: "global_share", Roles: roles}, hub.Forbidden, "reserved"},
		"reserved root":         {kbasetest.Account{Name: "root", Roles: roles}, hub.Forbidden, "reserved"},
		"reserved hub":          {kbasetest.Account{Name: "hub", Roles: roles}, hub.Forbidden, "reserved"},
		"reserved public":       {kbasetest.Account{Name: "public", Roles: roles}, hub.Forbidden, "reserved"},
		"reserved ..":           {kbasetest.Account{Name: "..", Roles: roles}, hub.Forbidden, "reserved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, a := open(t, []kbasetest.Account{tt.account}, nil)
			id, err := a.SignIn(t.Context(), browser(t, "/", kbase.SessionCookie, server.Login(tt.account.Name)))
			if tt.code == "" {
				if err != nil || id.Name != tt.account.Name {
					t.Fatalf("got %+v, %v", id, err)
				}
				return
			}
			if err == nil || hub.CodeOf(err) != tt.code || !strings.Contains(hub.MessageOf(err), tt.text) {
				t.Fatalf("got %v %q; want %v with %q", hub.CodeOf(err), hub.MessageOf(err), tt.code, tt.text)
			}
		})
	}
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"NotUsed": "NotUsed", "Unknown": "Unknown", "used": "used", "a\nb": "Unknown", strings.Repeat("x", 65): "Unknown",
	} {
		server, a := open(t, []kbasetest.Account{{Name: "ada", Roles: []string{"BERDL_USER"}, MFA: sent}}, nil)
		_, err := a.SignIn(t.Context(), browser(t, "/", kbase.SessionCookie, server.Login("ada")))
		var mfa *hub.MFARequired
		if hub.CodeOf(err) != hub.Forbidden || !errors.As(err, &mfa) || mfa.Status != want {
			t.Errorf("%q: got %v", sent, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault kbasetest.Fault
		code  hub.Code
	}{
		{kbasetest.Fault{Kind: kbasetest.Errs, AppCode: 10020}, hub.Unauthorized},
		{kbasetest.Fault{Kind: kbasetest.Errs, AppCode: 10020, Status: 400}, hub.Unauthorized},
		{kbasetest.Fault{Kind: kbasetest.Errs, AppCode: 10010}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Errs, AppCode: 20000, Status: 403}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Errs, Status: 500}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Garbage}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Gateway}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Empty}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.WrongTypes}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.NotObject}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.TooLong}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Redirect}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Refuse}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Hang}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.Slow, Delay: time.Minute}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.OtherUser, User: "grace"}, hub.Unavailable},
		{kbasetest.Fault{Kind: kbasetest.OtherUser}, hub.Unavailable},
	} {
		for _, q := range []kbasetest.Question{kbasetest.TokenQuestion, kbasetest.MeQuestion} {
			t.Run(fmt.Sprintf("%s %d %s", tt.fault.Kind, tt.fault.AppCode, q), func(t *testing.T) {
				t.Parallel()
				server, a := open(t, nil, func(c *kbase.Config) { c.Timeout = 300 * time.Millisecond })
				token := server.Login("ada")
				r := browser(t, "/", kbase.SessionCookie, token)
				server.Fail(tt.fault, q)
				_, err := a.SignIn(t.Context(), r)
				if err == nil || hub.CodeOf(err) != tt.code {
					t.Fatalf("got %v; want %v", err, tt.code)
				}
				if tt.code == hub.Unavailable && !strings.Contains(hub.MessageOf(err), "try again") {
					t.Errorf("message %q does not say what to do", hub.MessageOf(err))
				}
				if strings.Contains(err.Error(), token) {
					t.Error("the error holds the token")
				}
				server.Heal()
				if _, err := a.SignIn(t.Context(), r); err != nil {
					t.Errorf("after healing: %v", err)
				}
			})
		}
	}
}

func TestServiceGone(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, nil)
	r := browser(t, "/", kbase.SessionCookie, server.Login("ada"))
	server.Stop()
	if _, err := a.SignIn(t.Context(), r); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.SignIn(ctx, r); !errors.Is(err, context.Canceled) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestInvalidBeatsHanging(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, nil)
	server.Fail(kbasetest.Fault{Kind: kbasetest.Hang}, kbasetest.MeQuestion)
	start := time.Now()
	_, err := a.SignIn(t.Context(), browser(t, "/", kbase.SessionCookie, "NOSUCH"))
	if hub.CodeOf(err) != hub.Unauthorized || time.Since(start) > 2*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, nil)
	token := server.Login("ada")
	id, err := a.SignIn(t.Context(), browser(t, "/", kbase.SessionCookie, token))
	if err != nil {
		t.Fatal(err)
	}
	if fresh, err := a.Refresh(t.Context(), id); fresh != nil || err != nil {
		t.Errorf("nothing changed, but got %+v, %v", fresh, err)
	}
	server.Set(kbasetest.Account{Name: "ada", Roles: []string{"BERDL_STAFF", kbasetest.AdminRole}})
	if fresh, err := a.Refresh(t.Context(), id); err != nil || fresh == nil || !*fresh.Admin || fresh.State["kbase_token"] != token {
		t.Errorf("became an admin, but got %+v, %v", fresh, err)
	}
	server.Fail(kbasetest.Fault{Kind: kbasetest.Gateway})
	if _, err := a.Refresh(t.Context(), id); hub.CodeOf(err) != hub.Unavailable {
		t.Errorf("service down: got %v", err)
	}
	server.Heal()
	server.Set(kbasetest.Account{Name: "ada"})
	if _, err := a.Refresh(t.Context(), id); hub.CodeOf(err) != hub.Forbidden {
		t.Errorf("role taken away: got %v", err)
	}
	server.Revoke(token)
	if _, err := a.Refresh(t.Context(), id); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("session ended: got %v", err)
	}
	if _, err := a.Refresh(t.Context(), &hub.Identity{Name: "ada"}); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("no token kept: got %v", err)
	}
	other := &hub.Identity{Name: "ada", State: map[string]any{"kbase_token": server.Login("grace")}}
	if _, err := a.Refresh(t.Context(), other); hub.CodeOf(err) != hub.Unauthorized {
		t.Errorf("other user's token: got %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	good := kbase.Config{AuthURL: "https://kbase.us/services/auth/", Origin: "https://kbase.us", ApprovedRoles: []string{"A"}}
	for name, tt := range map[string]struct {
		change func(*kbase.Config)
		text   string // empty: fine
	}{
		"good":             {func(*kbase.Config) {}, ""},
		"no final slash":   {func(c *kbase.Config) { c.AuthURL = "https://kbase.us/services/auth" }, "KBASE_AUTH_URL"},
		"no auth scheme":   {func(c *kbase.Config) { c.AuthURL = "kbase.us/services/auth/" }, "KBASE_AUTH_URL"},
		"no origin scheme": {func(c *kbase.Config) { c.Origin = "narrative.kbase.us" }, "KBASE_ORIGIN"},
		"password":         {func(c *kbase.Config) { c.Origin = "https://u:p@kbase.us" }, "KBASE_ORIGIN"},
		"no roles":         {func(c *kbase.Config) { c.ApprovedRoles = nil }, "APPROVED_ROLES"},
		"blank roles":      {func(c *kbase.Config) { c.ApprovedRoles = []string{" ", ""} }, "APPROVED_ROLES"},
		"negative timeout": {func(c *kbase.Config) { c.Timeout = -1 }, "time limit"},
	} {
		c := good
		tt.change(&c)
		_, err := kbase.New(c)
		if (err == nil) != (tt.text == "") || (err != nil && !strings.Contains(err.Error(), tt.text)) {
			t.Errorf("%s: got %v; want %q", name, err, tt.text)
		}
	}
	if err := (&kbase.Config{}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("an empty config has three faults, got: %v", err)
	}
}

func TestSignInView(t *testing.T) {
	t.Parallel()
	server, a := open(t, nil, func(c *kbase.Config) { c.Origin += "/" })
	token := server.Login("ada")
	next := "/hub/api/oauth2/authorize?client_id=x&state=a b"
	view := a.SignInView(browser(t, "http://hub.example/hub/login"), next)
	login, err := url.Parse(view.LoginURL)
	if err != nil || !strings.HasPrefix(view.LoginURL, server.Origin+"/login?nextRequest=") {
		t.Fatalf("LoginURL %q: %v", view.LoginURL, err)
	}
	back, err := url.Parse(login.Query().Get("nextRequest"))
	if err != nil || back.Host != "hub.example" || back.Path != "/hub/login" || back.Query().Get("autologin") != "true" || back.Query().Get("next") != next {
		t.Errorf("the way back is %q: %v", back, err)
	}
	if view.Service != "KBase" || view.SwitchURL != server.Origin+"/logout" || view.HasSession || view.AutoSubmit {
		t.Errorf("got %+v", view)
	}
	for target, auto := range map[string]bool{"/hub/login": false, "/hub/login?autologin=true": true, "/hub/login?autologin=1": false} {
		view := a.SignInView(browser(t, target, kbase.SessionCookie, token), "")
		if !view.HasSession || view.AutoSubmit != auto || strings.Contains(view.LoginURL, "next%3D") {
			t.Errorf("%s: got %+v", target, view)
		}
	}
	if view := a.SignInView(browser(t, "/hub/login?autologin=true"), ""); view.AutoSubmit {
		t.Error("submits without a session")
	}
	posted := browser(t, "/hub/login?autologin=true", kbase.SessionCookie, token)
	posted.Method = http.MethodPost
	if a.SignInView(posted, "").AutoSubmit {
		t.Error("submits again after a failed sign-in, for ever")
	}
}

func TestHubURL(t *testing.T) {
	t.Parallel()
	_, a := open(t, nil, func(c *kbase.Config) { c.HubURL = func(*http.Request) string { return "https://h.example/base/hub/" } })
	if view := a.SignInView(browser(t, "/"), ""); !strings.Contains(view.LoginURL, url.QueryEscape("https://h.example/base/hub/login?autologin=true")) {
		t.Errorf("got %q", view.LoginURL)
	}
}
