// Package architecture_test holds the rules of this repository that a compiler
// does not: who may import whom, one doc for each package, and sizes.
package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path, before which our packages' paths stand.
const module = "berdlhub"

// pkg is one folder of Go files, without its tests.
type pkg struct {
	path  string // below the module: internal/hub
	files []*file
}

type file struct {
	name  string // below the module: internal/hub/user.go
	ast   *ast.File
	fset  *token.FileSet
	lines int
}

// isFixture tells whether only tests may import the package.
func (p *pkg) isFixture() bool {
	return strings.HasSuffix(path.Base(p.path), "test") || strings.HasPrefix(p.path, "test/")
}

// allImports lists what the package imports, in order.
func (p *pkg) allImports() []string {
	var paths []string
	for _, f := range p.files {
		for _, spec := range f.ast.Imports {
			if imported, err := strconv.Unquote(spec.Path.Value); err == nil {
				paths = append(paths, imported)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// ownImports lists what the package imports of this module, without its name.
func (p *pkg) ownImports() []string {
	var own []string
	for _, imported := range p.allImports() {
		if below, ok := strings.CutPrefix(imported, module+"/"); ok {
			own = append(own, below)
		}
	}
	return own
}

// declares tells whether the package declares a type of that name.
func (p *pkg) declares(name string) bool {
	for _, f := range p.files {
		for _, decl := range f.ast.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				if typ, ok := spec.(*ast.TypeSpec); ok && typ.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}

func (f *file) line(pos token.Pos) int { return f.fset.Position(pos).Line }

// readTree parses every Go file of the module that is not a test, by package.
func readTree(t *testing.T) map[string]*pkg {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's folder: %v", err)
	}
	tree := map[string]*pkg{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "bin" || base == "out" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return addFile(tree, root, name)
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	if tree["internal/hub"] == nil {
		t.Fatal("internal/hub is missing: is this the right folder?")
	}
	return tree
}

func addFile(tree map[string]*pkg, root, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	below, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	below = filepath.ToSlash(below)
	dir := path.Dir(below)
	if tree[dir] == nil {
		tree[dir] = &pkg{path: dir}
	}
	f := &file{name: below, ast: parsed, fset: fset, lines: strings.Count(string(text), "\n")}
	tree[dir].files = append(tree[dir].files, f)
	return nil
}
