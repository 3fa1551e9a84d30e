package app_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/spawn/spawntest"
)

// guarded starts a hub whose servers let only those in whom the hub vouches for.
func guarded(t *testing.T, o apptest.Options) *apptest.Hub {
	t.Helper()
	fake := spawntest.NewFake()
	t.Cleanup(fake.Close)
	fake.Serve(apptest.SingleUser)
	o.Spawner = fake
	return apptest.Start(t, o)
}

// open enters ada's server and says what the last page shows.
func open(b *apptest.Browser) string { return strings.TrimSpace(b.Follow("/user/ada/lab").Body) }

const inside = "the server of ada, seen by ada"

func TestSignOutEndsTheSession(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{})
	here, there := h.Browser(t).SignIn("ada"), h.Browser(t).SignIn("ada")
	h.Ready(t, hub.ServerKey{User: "ada"})
	for _, b := range []*apptest.Browser{here, there} {
		if got := open(b); got != inside {
			t.Fatalf("before: %s", got)
		}
	}
	login := here.Cookie(auth.LoginCookie)
	if a := here.Get("/hub/logout"); a.Status != http.StatusFound || a.Location != "/hub/login" {
		t.Errorf("sign-out: status %d to %q", a.Status, a.Location)
	}
	for _, name := range []string{auth.LoginCookie, auth.SessionCookie, auth.XSRFCookie} {
		if v := here.Cookie(name); v != "" && name != auth.XSRFCookie {
			t.Errorf("cookie %s is left", name)
		}
	}
	if login == "" {
		t.Fatal("there was no sign-in cookie")
	}
	if a := here.Get("/user/ada/lab"); a.Status != http.StatusFound || !strings.HasPrefix(a.Location, "/hub/api/oauth2/authorize") {
		t.Errorf("the server's own cookie still opens it: status %d\n%s", a.Status, a.Body)
	}
	if a := here.Follow("/user/ada/lab"); !strings.Contains(a.Body, `id="login_submit"`) {
		t.Errorf("the server leads to:\n%s", a.Body)
	}
	if got := open(there); got != inside {
		t.Errorf("the other session: %s", got)
	}
	if a := here.Get("/hub/logout"); a.Status != http.StatusFound {
		t.Errorf("a second sign-out: status %d", a.Status)
	}
	if got := h.ReadyServers(t, "ada"); !slices.Contains(got, "") {
		t.Error("sign-out stopped the server")
	}
}

func TestSignOutStopsServers(t *testing.T) {
	t.Parallel()
	h := guarded(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": {"shutdown_on_logout": true}}})
	b := h.Browser(t).SignIn("ada")
	h.Ready(t, hub.ServerKey{User: "ada"})
	b.Get("/hub/logout")
	h.Until(t, "the server stops", func() bool { return len(h.ReadyServers(t, "ada")) == 0 })
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	trusted := map[string]any{"trusted_downstream_ips": []string{"127.0.0.1"}}
	prefixed := map[string]any{"trusted_downstream_ips": []string{"127.0.0.1"}, "cookie_host_prefix_enabled": true}
	for name, tt := range map[string]struct {
		config map[string]any
		proto  string
		secure bool
		want   map[string]string // name to path
	}{
		"http":            {want: map[string]string{auth.LoginCookie: "/hub/", auth.SessionCookie: "/"}},
		"forged https":    {proto: "https", want: map[string]string{auth.LoginCookie: "/hub/", auth.SessionCookie: "/"}},
		"https":           {config: trusted, proto: "https", secure: true, want: map[string]string{auth.LoginCookie: "/hub/", auth.SessionCookie: "/"}},
		"https then http": {config: trusted, proto: "https, http", want: map[string]string{auth.LoginCookie: "/hub/", auth.SessionCookie: "/"}},
		"base path":       {config: map[string]any{"bind_url": "http://127.0.0.1:0/jupyter/"}, want: map[string]string{auth.LoginCookie: "/jupyter/hub/", auth.SessionCookie: "/jupyter/"}},
		"public https":    {config: map[string]any{"public_url": "https://hub.example.org/"}, secure: true, want: map[string]string{auth.LoginCookie: "/hub/", auth.SessionCookie: "/"}},
		"host prefix":     {config: prefixed, proto: "https", secure: true, want: map[string]string{"__Host-" + auth.LoginCookie: "/", auth.SessionCookie: "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := apptest.Start(t, apptest.Options{Config: map[string]map[string]any{"JupyterHub": tt.config}})
			headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
			if tt.proto != "" {
				headers = append(headers, "X-Forwarded-Proto", tt.proto)
			}
			b := h.Browser(t)
			page := b.Send(http.MethodGet, h.URL+"hub/login", "", headers[2:]...)
			xsrf := apptest.XSRFOf(page.Body)
			form := url.Values{"username": {"ada"}, "_xsrf": {xsrf}}
			// Set by hand: a cookie that is for https only does not come back over http.
			headers = append(headers, "Cookie", "_xsrf="+xsrf)
			a := h.Browser(t).Send(http.MethodPost, h.URL+"hub/login", form.Encode(), headers...)
			if a.Status != http.StatusFound {
				t.Fatalf("status %d\n%s", a.Status, a.Body)
			}
			checkCookies(t, page, a, tt.want, tt.secure)
		})
	}
}

// checkCookies looks at the cookies that the sign-in page and the sign-in set.
func checkCookies(t *testing.T, page, in *apptest.Answer, want map[string]string, secure bool) {
	t.Helper()
	set := map[string]*http.Cookie{}
	for _, a := range []*apptest.Answer{page, in} {
		for _, line := range a.Header.Values("Set-Cookie") {
			c, err := http.ParseSetCookie(line)
			if err != nil {
				t.Fatal(err)
			}
			if c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Domain != "" {
				t.Errorf("%s: same-site %d, secure %t, domain %q", c.Name, c.SameSite, c.Secure, c.Domain)
			}
			set[c.Name] = c
		}
	}
	for name, path := range want {
		c := set[name]
		if c == nil || c.Value == "" || !c.HttpOnly || c.Path != path {
			t.Errorf("%s: got %v; want it for scripts never, at %s", name, c, path)
		}
	}
	if len(set) != len(want)+1 || set[auth.XSRFCookie] == nil {
		t.Errorf("cookies %v", set)
	}
}

// TestSeveralSignInCookies plays a user's page that tosses its own cookie to somebody else's browser.
func TestSeveralSignInCookies(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	ada, bob := h.Browser(t).SignIn("ada").Cookie(auth.LoginCookie), h.Browser(t).SignIn("bob").Cookie(auth.LoginCookie)
	again := h.Browser(t).SignIn("ada").Cookie(auth.LoginCookie)
	other := "0"
	if strings.HasSuffix(ada, other) {
		other = "1"
	}
	for name, tt := range map[string]struct {
		cookies []string
		user    string
	}{
		"one":                  {[]string{ada}, "ada"},
		"two of one user":      {[]string{ada, again}, "ada"},
		"two users":            {[]string{ada, bob}, ""},
		"two users, reversed":  {[]string{bob, ada}, ""},
		"three":                {[]string{ada, again, bob}, ""},
		"three, between":       {[]string{ada, bob, again}, ""},
		"garbage first":        {[]string{"x", ada}, "ada"},
		"changed by one digit": {[]string{ada[:len(ada)-1] + other}, ""},
		"of another name":      {[]string{strings.ReplaceAll(ada, "hub-login", "hub-xxxxx")}, ""},
	} {
		var header []string
		for _, c := range tt.cookies {
			header = append(header, auth.LoginCookie+"="+c)
		}
		a := h.Browser(t).Send(http.MethodGet, "/hub/home", "", "Cookie", strings.Join(header, "; "))
		if tt.user != "" && (a.Status != http.StatusOK || !strings.Contains(a.Body, `data-user="`+tt.user+`"`)) || tt.user == "" && a.Status != http.StatusFound {
			t.Errorf("%s: status %d", name, a.Status)
		}
		if expired := strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), "\n"), auth.LoginCookie+"=;"); expired != (tt.user == "") {
			t.Errorf("%s: cookies expired: %t", name, expired)
		}
	}
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	in := h.Browser(t).SignIn("ada")
	xsrf := in.XSRF()
	form := func(fields ...string) string {
		v := url.Values{"_xsrf": {xsrf}}
		for i := 0; i+1 < len(fields); i += 2 {
			v.Set(fields[i], fields[i+1])
		}
		return v.Encode()
	}
	const kind = "application/x-www-form-urlencoded"
	long, huge := strings.Repeat("a", 300), strings.Repeat("a", 1<<20)
	for name, tt := range map[string]struct {
		method, path, body, kind string
	}{
		"long server name":      {"POST", "/hub/home", form("server_name", long), kind},
		"huge form":             {"POST", "/hub/home", form("server_name", huge+huge), kind},
		"huge options":          {"POST", "/hub/spawn", form("x", huge+huge), kind},
		"huge note":             {"POST", "/hub/token", form("note", huge+huge), kind},
		"huge multipart":        {"POST", "/hub/spawn", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + huge + huge + "\r\n--x--\r\n", "multipart/form-data; boundary=x"},
		"broken multipart":      {"POST", "/hub/spawn", "--x\r\nContent-", "multipart/form-data; boundary=x"},
		"no boundary":           {"POST", "/hub/spawn", "x", "multipart/form-data"},
		"broken escape":         {"POST", "/hub/token", "_xsrf=" + url.QueryEscape(xsrf) + "&note=%zz", kind},
		"long name in a path":   {"GET", "/hub/spawn/" + long, "", ""},
		"long server in a path": {"GET", "/hub/spawn/ada/" + long, "", ""},
		"long API name":         {"GET", "/hub/api/users/" + long, "", ""},
		"huge API body":         {"POST", "/hub/api/users/ada/tokens", `{"note": "` + strings.Repeat(huge, 12) + `"}`, "application/json"},
		"deep API body":         {"POST", "/hub/api/users/ada/tokens", strings.Repeat("[", 100_000), "application/json"},
		"half an API body":      {"POST", "/hub/api/users/ada/tokens", `{"note": `, "application/json"},
		"token id":              {"POST", "/hub/token/revoke", form("token_id", "a99999999999999999999"), kind},
		"life of a token":       {"POST", "/hub/token", form("expires_in", "-1"), kind},
		"life that overflows":   {"POST", "/hub/token", form("expires_in", "9223372036854775807"), kind},
		"error page":            {"GET", "/hub/error/99999999999999999999", "", ""},
		"control in a path":     {"GET", "/hub/spawn/ada/%00", "", ""},
		"broken path":           {"GET", "/user/ada/%zz", "", ""},
		"huge query":            {"GET", "/hub/login?next=/" + strings.Repeat("a", 80<<10), "", ""},
	} {
		headers := []string{"X-Xsrftoken", xsrf}
		if tt.kind != "" {
			headers = append(headers, "Content-Type", tt.kind)
		}
		a := sendRaw(t, in, tt.method, h.URL+tt.path[1:], tt.body, headers...)
		if a < 400 || a > 499 {
			t.Errorf("%s: status %d", name, a)
		}
	}
	if got := h.ReadyServers(t, "ada"); len(got) > 0 {
		t.Errorf("bad input started %q", got)
	}
}

// sendRaw asks with a path that Go's own client would refuse to parse, and gives the status.
func sendRaw(t *testing.T, b *apptest.Browser, method, target, body string, headers ...string) int {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil { // a path that is not one
		at, path, _ := strings.Cut(strings.TrimPrefix(target, "http://"), "/")
		u = &url.URL{Scheme: "http", Host: at, Opaque: "/" + path}
	}
	req := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
	req.RequestURI, req.URL, req.Host = "", u, u.Host
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.Do(req)
	if err != nil {
		t.Errorf("%s %.60s: %v", method, target, err)
		return http.StatusBadRequest
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestSignInForms(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	for name, tt := range map[string]struct {
		form   url.Values
		status int
	}{
		"long name":    {url.Values{"username": {strings.Repeat("a", 256)}}, 403},
		"no name":      {url.Values{}, 403},
		"slash":        {url.Values{"username": {"a/b"}}, 403},
		"hidden slash": {url.Values{"username": {"a%2fb"}}, 403},
		"dots":         {url.Values{"username": {".."}}, 403},
		"controls":     {url.Values{"username": {"a\x00b"}}, 403},
		"not UTF-8":    {url.Values{"username": {"a\xff"}}, 403},
		"huge":         {url.Values{"username": {strings.Repeat("a", 1<<20)}}, 413},
	} {
		b := h.Browser(t)
		if a := b.Post("/hub/login", tt.form); a.Status != tt.status || b.Cookie(auth.LoginCookie) != "" {
			t.Errorf("%s: status %d", name, a.Status)
		}
	}
	many := []string{}
	for i := range 5000 {
		many = append(many, "X-Header-"+strconv.Itoa(i), "some value that is long enough")
	}
	if got := sendRaw(t, h.Browser(t), http.MethodGet, h.URL+"hub/login", "", many...); got != http.StatusRequestHeaderFieldsTooLarge && got != http.StatusBadRequest {
		t.Errorf("many headers: status %d", got)
	}
	if got := sendRaw(t, h.Browser(t), http.MethodGet, h.URL+"hub/login", "", "Cookie", strings.Repeat("a=b; ", 20_000)); got != http.StatusRequestHeaderFieldsTooLarge && got != http.StatusBadRequest {
		t.Errorf("many cookies: status %d", got)
	}
}
