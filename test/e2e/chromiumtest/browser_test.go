//go:build e2e

package chromiumtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"berdlhub/test/e2e/chromiumtest"
)

// page asks for a name and greets it; its policy forbids inline script.
const page = `<!doctype html><title>greeting</title>
<form action="/hello"><label>Name <input id="name" name="name"></label> <button>Greet</button></form>
<script>document.title = "forbidden"</script>`

func newSite(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", HttpOnly: true})
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
		mood := "nobody's"
		if c, err := r.Cookie("mood"); err == nil {
			mood = c.Value
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><h1>Hello %s, %s</h1>`, r.FormValue("name"), mood)
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><p id="p">x</p><script>console.error("the console says", 7); throw new Error("the page breaks")</script>`)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site
}

func TestBrowser(t *testing.T) {
	site := newSite(t)
	b := chromiumtest.New(t)
	b.Navigate(site.URL)
	b.SetCookie(site.URL, "mood", "merry")
	b.Type("#name", "Ada")
	b.Click("button")
	at := b.WaitURL(regexp.MustCompile(`/hello\?name=Ada$`))
	if at != b.URL() {
		t.Errorf("URL is %s, WaitURL gave %s", b.URL(), at)
	}
	if got := b.Text("h1"); got != "Hello Ada, merry" {
		t.Errorf("heading is %q, want %q", got, "Hello Ada, merry")
	}
	var sum int
	b.Eval("Promise.resolve(40 + 2)", &sum)
	if sum != 42 {
		t.Errorf("the script's value is %d, want 42", sum)
	}
	seen := func(c *network.Cookie) bool { return c.Name == "seen" && c.Value == "yes" && c.HTTPOnly }
	if !slices.ContainsFunc(b.Cookies(), seen) {
		t.Errorf("the page's cookie is missing: %v", b.Cookies())
	}
	if info, err := os.Stat(b.Screenshot("harness-page")); err != nil || info.Size() < 1000 {
		t.Errorf("the screenshot is missing or empty: %v %v", info, err)
	}
	b.ClearCookies()
	if left := b.Cookies(); len(left) != 0 {
		t.Errorf("cookies are left: %v", left)
	}
}

func TestBrowserTellsProblems(t *testing.T) {
	site := newSite(t)
	b := chromiumtest.New(t)

	b.Navigate(site.URL + "/hello?name=Ada")
	b.WaitVisible("h1")
	b.NoProblems()

	b.Navigate(site.URL)
	b.WaitVisible("#name")
	b.WaitFor("the policy held", `document.title === "greeting"`)
	wantProblem(t, b, "content security policy: script-src")

	b.ForgetProblems()
	b.Navigate(site.URL + "/broken")
	b.WaitVisible("#p")
	wantProblem(t, b, "the page breaks")
	wantProblem(t, b, "console error: the console says 7")
	b.NoProblems(regexp.MustCompile("the page breaks|the console says"))
}

func wantProblem(t *testing.T, b *chromiumtest.Browser, want string) {
	t.Helper()
	if !slices.ContainsFunc(b.Problems(), func(p string) bool { return strings.Contains(p, want) }) {
		t.Errorf("no problem tells %q: %q", want, b.Problems())
	}
}
