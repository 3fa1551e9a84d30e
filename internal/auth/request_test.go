package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
)

func TestNames(t *testing.T) {
	t.Parallel()
	a := open(t, func(c *auth.Config) { c.UsernamePattern = `[^x].*` })
	for _, name := range []string{"ada", "a", "ada.l", "a..b", "ada@kbase.us", "ünï", "a b", "user%20x", strings.Repeat("a", 255)} {
		if err := a.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "...", "%2e", "%2E%2e", "a/b", "a%2fb", "a%2Fb", "%2f", "/", " ada", "ada ", "ada\n", "a\x00b", "a\x7f", "a\u2028b", "a\xff", "a\ufffd", "xavier", strings.Repeat("a", 256),
	} {
		if err := a.CheckName(name); hub.CodeOf(err) != hub.Invalid || err == nil {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	if _, err := auth.New(auth.Config{KeepState: true}, nil, nil); err == nil || !strings.Contains(err.Error(), "JUPYTERHUB_CRYPT_KEY") {
		t.Errorf("auth state without a key: %v", err)
	}
	if _, err := auth.New(auth.Config{UsernamePattern: "("}, nil, nil); err == nil || !strings.Contains(err.Error(), "username_pattern") {
		t.Errorf("broken pattern: %v", err)
	}
}

func TestSecureAndClientIP(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tt := range map[string]struct {
		public, peer, proto, chain string
		secure                     bool
		ip                         string
	}{
		"stranger":              {peer: "192.0.2.1:5", proto: "https", chain: "198.51.100.7", ip: "192.0.2.1"},
		"proxy":                 {peer: "10.0.0.9:5", proto: "https", chain: "198.51.100.7", secure: true, ip: "198.51.100.7"},
		"proxy, forged start":   {peer: "10.0.0.9:5", proto: "https, http", chain: "203.0.113.9, 198.51.100.7, 10.1.1.1", ip: "198.51.100.7"},
		"proxy, garbage":        {peer: "10.0.0.9:5", chain: "x", ip: "10.0.0.9"},
		"loopback is our proxy": {peer: "[::1]:5", proto: "HTTPS", secure: true, ip: "::1"},
		"public address wins":   {public: "https://hub.example.org/", peer: "192.0.2.1:5", proto: "http", secure: true, ip: "192.0.2.1"},
		"public http":           {public: "http://hub.example.org/", peer: "10.0.0.9:5", proto: "https", ip: "10.0.0.9"},
	} {
		a := open(t, func(c *auth.Config) { c.PublicURL, c.TrustedDownstream = tt.public, trusted })
		r := request("/hub/login")
		r.RemoteAddr = tt.peer
		r.Header.Set("X-Forwarded-Proto", tt.proto)
		if tt.chain != "" {
			r.Header.Set("X-Forwarded-For", tt.chain)
		}
		if got := a.Secure(r); got != tt.secure {
			t.Errorf("%s: secure %t", name, got)
		}
		if got := a.ClientIP(r); got != tt.ip {
			t.Errorf("%s: came from %q; want %q", name, got, tt.ip)
		}
	}
}

// post is a form with an _xsrf field and cookie.
func post(cookie, field string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hub/login", strings.NewReader(url.Values{"_xsrf": {field}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: auth.XSRFCookie, Value: cookie})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestXSRFOfNobody(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	w := httptest.NewRecorder()
	token := a.XSRF(w, httptest.NewRequest(http.MethodGet, "/hub/login", http.NoBody), nil)
	if cookies := w.Result().Cookies(); len(cookies) != 1 || cookies[0].Value != token || cookies[0].Path != "/hub/" || cookies[0].MaxAge != 3600 {
		t.Errorf("cookies %v", cookies)
	}
	script := httptest.NewRequest(http.MethodGet, "/hub/login", http.NoBody)
	script.Header.Set("Sec-Fetch-Mode", "cors")
	w = httptest.NewRecorder()
	a.XSRF(w, script, nil)
	if w.Header().Get("Set-Cookie") != "" {
		t.Error("a script can fetch itself the cookie")
	}
	ada := &auth.Principal{User: &hub.User{Name: "ada", CookieID: "c1"}}
	of := a.XSRF(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/hub/home", http.NoBody), ada)
	for name, tt := range map[string]struct {
		r    *http.Request
		who  *auth.Principal
		fine bool
	}{
		"good":                     {r: post(token, token), fine: true},
		"from the address bar":     {r: post(token, token, "Sec-Fetch-Site", "none"), fine: true},
		"header":                   {r: post(token, "", "X-Xsrftoken", token), fine: true},
		"no cookie":                {r: post("", token)},
		"no field":                 {r: post(token, "")},
		"other valid field":        {r: post(token, of)},
		"cross-site":               {r: post(token, token, "Sec-Fetch-Site", "cross-site")},
		"same-site":                {r: post(token, token, "Sec-Fetch-Site", "same-site")},
		"other browser":            {r: post(token, token, "User-Agent", "another")},
		"not ours":                 {r: post("x", "x")},
		"not bound to the user":    {r: post(token, token), who: ada},
		"the user's":               {r: post(of, of), who: ada, fine: true},
		"the user's, for nobody":   {r: post(of, of)},
		"of a user's other cookie": {r: post(of, of), who: &auth.Principal{User: &hub.User{Name: "ada", CookieID: "c2"}}},
		"by token":                 {r: post("", ""), who: &auth.Principal{User: ada.User, Token: &hub.Token{}}, fine: true},
	} {
		err := a.CheckPage(tt.r, tt.who)
		if tt.fine != (err == nil) || err != nil && hub.CodeOf(err) != hub.Forbidden {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAPICheck(t *testing.T) {
	t.Parallel()
	a := open(t, nil)
	ada := &auth.Principal{User: &hub.User{Name: "ada", CookieID: "c1"}}
	for name, tt := range map[string]struct {
		method  string
		who     *auth.Principal
		headers []string
		fine    bool
	}{
		"nobody from a program":     {method: "POST", fine: true},
		"nobody from a page":        {method: "POST", headers: []string{"Origin", "http://e.example"}},
		"head":                      {method: "HEAD", who: ada, fine: true},
		"options":                   {method: "OPTIONS", who: ada, fine: true},
		"get from the address bar":  {method: "GET", who: ada, headers: []string{"Sec-Fetch-Mode", "navigate"}, fine: true},
		"get by a script":           {method: "GET", who: ada, headers: []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}},
		"get as an image":           {method: "GET", who: ada, headers: []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-origin"}, fine: true},
		"get as an image elsewhere": {method: "GET", who: ada, headers: []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "cross-site"}},
		"post":                      {method: "POST", who: ada},
		"delete, navigating":        {method: "DELETE", who: ada, headers: []string{"Sec-Fetch-Mode", "navigate"}},
	} {
		r := httptest.NewRequest(tt.method, "/hub/api/user", http.NoBody)
		for i := 0; i+1 < len(tt.headers); i += 2 {
			r.Header.Set(tt.headers[i], tt.headers[i+1])
		}
		if err := a.CheckAPI(r, tt.who); (err == nil) != tt.fine {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRequireNobody(t *testing.T) {
	t.Parallel()
	err := auth.Require(nil, scope.OfUser("ada"), "read:users")
	if hub.CodeOf(err) != hub.Forbidden || hub.MessageOf(err) != "Missing or invalid credentials." {
		t.Errorf("got %v", err)
	}
}

// FuzzXSRF holds that nothing but a token of ours passes, whatever a browser sends.
func FuzzXSRF(f *testing.F) {
	a := open(f, nil)
	good := a.XSRF(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/hub/login", http.NoBody), nil)
	f.Add(good, good[:len(good)-1])
	f.Add("", "")
	f.Add("2|1:0", "2|1:0")
	f.Fuzz(func(t *testing.T, cookie, field string) {
		if cookie == good && field == good {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/hub/login?"+url.Values{"_xsrf": {field}}.Encode(), http.NoBody)
		r.Header.Set("Cookie", "_xsrf="+cookie)
		if strings.Contains(cookie, good) && field == good {
			return // a list of cookies, or blanks around ours
		}
		if a.CheckPage(r, nil) == nil {
			t.Errorf("cookie %q with field %q passed", cookie, field)
		}
	})
}
