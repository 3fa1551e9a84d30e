package apptest

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Browser is a client with cookies that follows no redirect by itself.
type Browser struct {
	t    testing.TB
	base string
	*http.Client
}

// Answer is what a request brought.
type Answer struct {
	Status   int
	Location string
	Body     string
	Header   http.Header
}

// Browser gives a fresh browser without cookies.
func (h *Hub) Browser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, base: strings.TrimSuffix(h.URL, "/"), Client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send makes one request; headers come in pairs of name and value.
func (b *Browser) Send(method, path, body string, headers ...string) *Answer {
	b.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = b.base + path
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &Answer{Status: resp.StatusCode, Location: resp.Header.Get("Location"), Body: string(text), Header: resp.Header}
}

// Get asks for a page as a navigation does.
func (b *Browser) Get(path string) *Answer {
	b.t.Helper()
	return b.Send(http.MethodGet, path, "", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html")
}

// Post sends a form as a page of the hub does, with the _xsrf field.
func (b *Browser) Post(path string, form url.Values) *Answer {
	b.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("_xsrf", b.XSRF())
	return b.Send(http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
}

// API calls the REST API as a script of the hub's own page does.
func (b *Browser) API(method, path, body string) *Answer {
	b.t.Helper()
	return b.Send(method, "/hub/api"+path, body, "Content-Type", "application/json", "X-Xsrftoken", b.XSRF(), "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin")
}

var xsrfField = regexp.MustCompile(`data-xsrf="([^"]*)"`)

// XSRFOf reads the token out of a page; empty when it has none.
func XSRFOf(page string) string {
	m := xsrfField.FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// XSRF reads the token from the page that a form would be on.
func (b *Browser) XSRF() string {
	b.t.Helper()
	for _, path := range []string{"/hub/home", "/hub/login"} {
		if token := XSRFOf(b.Get(path).Body); token != "" {
			return token
		}
	}
	b.t.Fatal("no page has an _xsrf token")
	return ""
}

// Follow goes through redirects until another answer comes.
func (b *Browser) Follow(path string) *Answer {
	b.t.Helper()
	a := b.Get(path)
	for range 20 {
		if a.Status < 300 || a.Status > 399 {
			return a
		}
		a = b.Get(a.Location)
	}
	b.t.Fatalf("%s: more than 20 redirects", path)
	return nil
}

// SignIn signs in with the dummy authenticator.
func (b *Browser) SignIn(name string) *Browser {
	b.t.Helper()
	a := b.Post("/hub/login", url.Values{"username": {name}, "password": {"x"}})
	if a.Status != http.StatusFound {
		b.t.Fatalf("sign in as %s: status %d\n%s", name, a.Status, a.Body)
	}
	return b
}
