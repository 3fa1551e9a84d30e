package web_test

import (
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"berdlhub/internal/web"
	"berdlhub/internal/web/webtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newRenderer(t *testing.T, cfg web.Config) *web.Renderer {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = webtest.Now
	}
	v, err := web.NewRenderer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rendered(t *testing.T, v *web.Renderer, f webtest.Fixture) string {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := v.Render(rec, httptest.NewRequest(http.MethodGet, "/", nil), f.Status, f.Page()); err != nil {
		t.Fatal(err)
	}
	if rec.Code != f.Status {
		t.Fatalf("status %d, want %d", rec.Code, f.Status)
	}
	return rec.Body.String()
}

// hashes of static files change with every stroke of the style sheet; the golden files leave them out.
var hashes = regexp.MustCompile(`\?v=[0-9a-f]{16}`)

func TestGolden(t *testing.T) {
	v := newRenderer(t, web.Config{})
	seen := make(map[string]bool)
	for _, f := range webtest.Fixtures() {
		t.Run(f.Name, func(t *testing.T) {
			if seen[f.Name] {
				t.Fatal("two fixtures have this name")
			}
			seen[f.Name] = true
			got := hashes.ReplaceAllString(rendered(t, v, f), "?v=HASH")
			file := filepath.Join("testdata", "golden", f.Name+".html")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("page differs from %s; look at it and run the test with -update\n%s", file, got)
			}
		})
	}
}
