package web_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
	"berdlhub/internal/web/webtest"
)

func TestHostileTextsStayText(t *testing.T) {
	v := newRenderer(t, web.Config{})
	n := 0
	for _, f := range webtest.Fixtures() {
		body := rendered(t, v, f)
		for _, bad := range []string{"<script>alert", "<img src=x", "javascript:alert"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s shows %q as markup", f.Name, bad)
			}
		}
		n += strings.Count(body, "&lt;script&gt;alert(1)")
	}
	if n < 10 {
		t.Errorf("only %d hostile texts were shown", n)
	}
}

func TestServerNamesInAddresses(t *testing.T) {
	v := newRenderer(t, web.Config{BaseURL: "/base"})
	key := hub.ServerKey{User: "a/../b?c#d e", Server: "x%2f&y"}
	const path = "a%2F..%2Fb%3Fc%23d%20e/x%252f&amp;y"
	pages := map[string]web.Page{
		`action="/base/hub/spawn/` + path + `?next=%2Fz%3Fq%3D1%26r"`:                                  &web.SpawnPage{Key: key, Next: "/z?q=1&r"},
		`action="/base/hub/stop/` + path + `"`:                                                         &web.PendingPage{Key: key},
		`data-progress-url="/base/hub/api/users/a%2F..%2Fb%3Fc%23d%20e/servers/x%252f&amp;y/progress"`: &web.PendingPage{Key: key},
		`data-progress-url="/base/hub/api/users/ada/server/progress"`:                                  &web.PendingPage{Key: hub.ServerKey{User: "ada"}},
		`action="/base/hub/delete-server/` + path + `"`:                                                &web.HomePage{NamedAllowed: true, Named: []web.ServerView{{Key: key}}},
	}
	for want, page := range pages {
		rec := httptest.NewRecorder()
		if err := v.Render(rec, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, page); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%T: no %s in\n%s", page, want, rec.Body)
		}
	}
}

func TestErrorPages(t *testing.T) {
	v := newRenderer(t, web.Config{
		Contact: "the hub team",
		FrameOf: func(http.ResponseWriter, *http.Request) web.Frame { return web.Frame{User: "ada"} },
	})
	tests := []struct {
		err    error
		status int
		want   []string
		never  string
	}{
		{hub.Errorf(hub.NotFound, "No such user: bob"), 404, []string{"No such user: bob", "Check the address"}, "Sign in<"},
		{errors.New("db: canary"), 500, []string{"Something went wrong on our side", "the hub team", "Request id: "}, "canary"},
		{&hub.Error{Code: hub.TooMany, Message: "Full", Retry: 2 * time.Minute}, 429, []string{"Full", "Try again in 2 minutes"}, ""},
	}
	for _, tt := range tests {
		rec := httptest.NewRecorder()
		web.RequestID(v.HTML(quiet(), fails(tt.err))).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/hub/x", nil))
		body := rec.Body.String()
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%v: no %q in\n%s", tt.err, want, body)
			}
		}
		if rec.Code != tt.status || tt.never != "" && strings.Contains(body, tt.never) {
			t.Errorf("%v: %d %s", tt.err, rec.Code, body)
		}
	}
}

func TestOverride(t *testing.T) {
	v := newRenderer(t, web.Config{
		Vars: map[string]any{"motto": "be kind"},
		Override: fstest.MapFS{
			"templates/logout.html":      {Data: []byte(`{{define "title"}}Bye{{end}}{{define "main"}}<h1>Bye, {{.Vars.motto}}</h1>{{end}}`)},
			"static/css/kbase-theme.css": {Data: []byte(":root{}")},
			"static/extra/own.txt":       {Data: []byte("own")},
		},
	})
	rec := httptest.NewRecorder()
	if err := v.Render(rec, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, &web.LogoutPage{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rec.Body.String(), "<h1>Bye, be kind</h1>") {
		t.Error(rec.Body)
	}
	mux := http.NewServeMux()
	v.Mount(mux)
	for path, want := range map[string]string{"/hub/static/css/kbase-theme.css": ":root{}", "/hub/static/extra/own.txt": "own"} {
		if got := get(mux, path, nil); got.Body.String() != want {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

func TestBrokenOverridesFailAtStart(t *testing.T) {
	tests := map[string]struct{ file, text, want string }{
		"syntax":  {"templates/home.html", "{{if}}", "home.html"},
		"no main": {"templates/home.html", "nothing", ""},
		"func":    {"templates/home.html", `{{nope}}`, "nope"},
	}
	for name, tt := range tests {
		_, err := web.NewRenderer(web.Config{Override: fstest.MapFS{tt.file: {Data: []byte(tt.text)}}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := web.NewRenderer(web.Config{LogoFile: "/nowhere/logo.png"}); err == nil || !strings.Contains(err.Error(), "logo_file") {
		t.Errorf("logo: %v", err)
	}
}

func get(h http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	maps.Copy(r.Header, header)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestStaticFiles(t *testing.T) {
	v := newRenderer(t, web.Config{BaseURL: "/b/"})
	mux := http.NewServeMux()
	v.Mount(mux)
	address, err := v.StaticURL("css/kbase-theme.css")
	if err != nil {
		t.Fatal(err)
	}
	const forever = "public, max-age=31536000, immutable"
	tests := []struct {
		path, cache, kind string
		status            int
	}{
		{address, forever, "text/css; charset=utf-8", 200},
		{"/b/hub/static/css/kbase-theme.css", "no-cache", "text/css; charset=utf-8", 200},
		{"/b/hub/static/css/kbase-theme.css?v=0000000000000000", "no-cache", "text/css; charset=utf-8", 200},
		{"/b/hub/static/images/kbase-logo-dark.png", "no-cache", "image/png", 200},
		{"/b/hub/static/js/page.js", "no-cache", "text/javascript; charset=utf-8", 200},
		{"/b/hub/logo", "no-cache", "image/png", 200},
		{"/b/hub/static/css/", "no-cache", "text/plain; charset=utf-8", 404},
		{"/b/hub/static/..%2f..%2frenderer.go", "no-cache", "text/plain; charset=utf-8", 404},
	}
	for _, tt := range tests {
		rec := get(mux, tt.path, nil)
		if rec.Code != tt.status || rec.Header().Get("Cache-Control") != tt.cache || rec.Header().Get("Content-Type") != tt.kind {
			t.Errorf("%s: %d %v", tt.path, rec.Code, rec.Header())
		}
	}
	tag := get(mux, address, nil).Header().Get("ETag")
	if rec := get(mux, "/b/hub/static/css/kbase-theme.css", http.Header{"If-None-Match": {tag}}); rec.Code != 304 || tag == "" {
		t.Errorf("with ETag %s: %d", tag, rec.Code)
	}
	if _, err := v.StaticURL("css/none.css"); err == nil {
		t.Error("a missing file has an address")
	}
}

func TestOwnLogo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(file, []byte("<svg/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := newRenderer(t, web.Config{LogoFile: file})
	mux := http.NewServeMux()
	v.Mount(mux)
	rec := get(mux, "/hub/logo", nil)
	if rec.Body.String() != "<svg/>" || rec.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("%v %s", rec.Header(), rec.Body)
	}
}

func TestAutoSubmitOnlyStraightFromTheService(t *testing.T) {
	tests := []struct {
		page web.LoginPage
		want bool
	}{
		{web.LoginPage{}, false},
		{web.LoginPage{SignIn: &hub.SignInView{AutoSubmit: true, HasSession: true}}, true},
		{web.LoginPage{SignIn: &hub.SignInView{AutoSubmit: true}}, false},
		{web.LoginPage{SignIn: &hub.SignInView{HasSession: true}}, false},
		{web.LoginPage{SignIn: &hub.SignInView{AutoSubmit: true, HasSession: true}, Error: "no"}, false},
	}
	v := newRenderer(t, web.Config{})
	for i, tt := range tests {
		rec := httptest.NewRecorder()
		if err := v.Render(rec, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, &tt.page); err != nil {
			t.Fatal(err)
		}
		body := rec.Body.String()
		if strings.Contains(body, "data-auto-submit") != tt.want || strings.Contains(body, "js/page.js") != tt.want {
			t.Errorf("case %d: %s", i, body)
		}
	}
}

var links = regexp.MustCompile(`(?:src|href)="(/hub/static/[^"]+)"`)

// TestGallery opens every page of the gallery and every file that the pages name.
func TestGallery(t *testing.T) {
	g := webtest.Gallery(newRenderer(t, web.Config{}))
	index := get(g, "/", nil).Body.String()
	for _, f := range webtest.Fixtures() {
		rec := get(g, "/pages/"+f.Name, nil)
		if rec.Code != f.Status || !strings.Contains(index, "/pages/"+f.Name) {
			t.Errorf("%s: %d", f.Name, rec.Code)
		}
		for _, m := range links.FindAllStringSubmatch(rec.Body.String(), -1) {
			if file := get(g, m[1], nil); file.Code != 200 {
				t.Errorf("%s names %s: %d", f.Name, m[1], file.Code)
			}
		}
	}
	if rec := get(g, "/hub/home", nil); rec.Code != 404 {
		t.Errorf("outside: %d", rec.Code)
	}
}

func TestMissingTemplateFailsAtStart(t *testing.T) {
	files := fstest.MapFS{"static/images/kbase-logo-light.png": {Data: []byte("png")}}
	names, err := filepath.Glob("templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	if _, err := web.NewRendererFrom(web.Config{}, files); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		kept := files[name]
		delete(files, name)
		if _, err := web.NewRendererFrom(web.Config{}, files); err == nil || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("without %s: %v", name, err)
		}
		files[name] = kept
	}
}
