package architecture_test

import (
	"slices"
	"strings"
	"testing"
)

// imports is the house: which of our packages a package may import. Arrows
// point down only, and what is not listed is forbidden. A new package gets a
// row here, with the reason for its place in ARCHITECTURE.md.
//
// A row "x/..." holds for all packages below x. A package whose name ends in
// "test", or that lies below test/, needs no row: it may import what it likes,
// and only tests import it.
var imports = map[string][]string{
	// The ground: nouns and tools that know nothing of ours.
	"internal/hub":     {},
	"internal/proxy":   {},
	"internal/secret":  {},
	"internal/home":    {},
	"internal/metrics": {},

	// What everything above shares, and the plugs, which know one thing each.
	"internal/store":            {"internal/hub", "internal/secret"},
	"internal/store/jupyterhub": {"internal/hub", "internal/secret", "internal/store"}, // reads another program's database into ours
	"internal/scope":            {"internal/hub"},
	"internal/web":              {"internal/hub"},
	"internal/kbase":            {"internal/hub"},
	"internal/kube":             {"internal/hub"},
	"internal/spark":            {"internal/hub"},
	"internal/credentials":      {"internal/hub"},
	"internal/local":            {"internal/hub"},

	// The two brains: who is asking, and a server's life.
	"internal/auth":  {"internal/hub", "internal/scope", "internal/secret", "internal/store", "internal/web"},
	"internal/spawn": {"internal/hub", "internal/store", "internal/proxy"},
	// A service's life; its process is one of this machine, as those of the plug local are.
	"internal/service": {"internal/hub", "internal/store", "internal/proxy", "internal/local"},

	// The faces, and the culler.
	"internal/oauth": {"internal/hub", "internal/scope", "internal/secret", "internal/store", "internal/auth", "internal/web"},
	"internal/api":   {"internal/hub", "internal/scope", "internal/secret", "internal/store", "internal/auth", "internal/web", "internal/spawn", "internal/proxy"},
	"internal/pages": {"internal/hub", "internal/scope", "internal/store", "internal/auth", "internal/web", "internal/spawn"},
	// The administration is pages of its own below the others, whose frame and sign-in it shares.
	"internal/pages/admin": {"internal/hub", "internal/scope", "internal/store", "internal/auth", "internal/web", "internal/spawn", "internal/pages"},
	"internal/cull":        {"internal/hub", "internal/store", "internal/spawn"},

	// The roof: settings read into each package's own Config, and the wiring.
	"internal/config": declaresConfig,
	"internal/app":    everything,
	"internal/dev":    {"internal/app", "internal/config", "scripts/requirements"},
	"cmd/...":         {"internal/app", "internal/config", "internal/dev", "internal/web"},

	// Tools of this repository.
	"scripts/requirements": {},
	"scripts/testcount":    {},
	"bench":                everything,
	"bench/...":            everything,
}

// These stand for more than a list can say.
var (
	// declaresConfig: hub, and any package that exports a type Config.
	declaresConfig = []string{"(packages with a Config)"}
	// everything: any package but cmd's.
	everything = []string{"(everything)"}
)

// onlyImporters are doors: a package, ours or an outside one, and who alone may
// import it outside of tests. A path ends at its name or goes on with a slash.
var onlyImporters = map[string][]string{
	"berdlhub/internal/config":            {"internal/app", "internal/dev", "cmd/..."},
	"berdlhub/internal/app":               {"internal/dev", "cmd/...", "bench", "bench/..."},
	"html/template":                       {"internal/web"},
	"github.com/prometheus/client_golang": {"internal/metrics"},
	"modernc.org/sqlite":                  {"internal/store", "internal/store/..."},
	"github.com/jackc/pgx/v5":             {"internal/store", "internal/store/..."},
	"github.com/pressly/goose/v3":         {"internal/store"},
	"k8s.io/client-go":                    {"internal/kube"},
	"testing":                             {},
	"github.com/chromedp/chromedp":        {},
}

// standIns are fixtures that a program shows to people without a test: berdlhub
// dev signs them in with the stand-in of KBase, berdlhub pages shows the fixtures.
var standIns = map[string][]string{
	"internal/kbase/kbasetest": {"internal/dev"},
	"internal/web/webtest":     {"cmd/..."},
}

func TestStandInsAreNoTests(t *testing.T) {
	t.Parallel()
	tree := readTree(t)
	for path := range standIns {
		if pkg := tree[path]; pkg != nil && slices.Contains(pkg.allImports(), "testing") {
			t.Errorf("%s imports testing, and programs import %s", path, path)
		}
	}
}

func TestImports(t *testing.T) {
	t.Parallel()
	tree := readTree(t)
	for _, pkg := range tree {
		if pkg.isFixture() {
			continue
		}
		allowed, known := row(pkg.path)
		if !known && len(pkg.files) > 0 {
			t.Errorf("%s is not in the table: add a row to imports in internal/architecture/architecture_test.go that says what it may import", pkg.path)
			continue
		}
		for _, imported := range pkg.ownImports() {
			checkOwnImport(t, tree, pkg, imported, allowed)
		}
	}
}

func checkOwnImport(t *testing.T, tree map[string]*pkg, from *pkg, imported string, allowed []string) {
	t.Helper()
	target := tree[imported]
	switch {
	case target == nil:
		t.Errorf("%s imports %s, which is not in the tree", from.path, imported)
	case target.isFixture():
		if !matches(standIns[imported], from.path) {
			t.Errorf("%s imports the fixture %s: only tests may", from.path, imported)
		}
	case len(allowed) > 0 && &allowed[0] == &everything[0]:
		if strings.HasPrefix(imported, "cmd/") {
			t.Errorf("%s imports the program %s", from.path, imported)
		}
	case len(allowed) > 0 && &allowed[0] == &declaresConfig[0]:
		if !target.declares("Config") && imported != "internal/hub" {
			t.Errorf("%s imports %s, which declares no Config", from.path, imported)
		}
	case !slices.Contains(allowed, imported):
		t.Errorf("%s may not import %s; it may import: %s", from.path, imported, strings.Join(allowed, ", "))
	}
}

func TestDoors(t *testing.T) {
	t.Parallel()
	for _, pkg := range readTree(t) {
		if pkg.isFixture() {
			continue
		}
		for _, imported := range pkg.allImports() {
			for door, importers := range onlyImporters {
				if imported != door && !strings.HasPrefix(imported, door+"/") {
					continue
				}
				if !matches(importers, pkg.path) && "berdlhub/"+pkg.path != door {
					t.Errorf("%s imports %s: only tests and these may: %s", pkg.path, imported, strings.Join(importers, ", "))
				}
			}
		}
	}
}

// TestTableHasNoCircle keeps the table itself honest: following its arrows never
// leads back.
func TestTableHasNoCircle(t *testing.T) {
	t.Parallel()
	var walk func(path string, trail []string)
	walk = func(path string, trail []string) {
		if slices.Contains(trail, path) {
			t.Fatalf("the table goes in a circle: %s", strings.Join(append(trail, path), " → "))
		}
		for _, next := range imports[path] {
			walk(next, append(slices.Clone(trail), path))
		}
	}
	for path := range imports {
		walk(path, nil)
	}
}

// row finds what the table says of a package.
func row(path string) (allowed []string, known bool) {
	if allowed, known = imports[path]; known {
		return allowed, true
	}
	for name, allowed := range imports {
		if matches([]string{name}, path) {
			return allowed, true
		}
	}
	return nil, false
}

// matches tells whether a path is one of the names, of which "x/..." stands for
// all below x.
func matches(names []string, path string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		below, ok := strings.CutSuffix(name, "...")
		return name == path || ok && strings.HasPrefix(path, below)
	})
}
