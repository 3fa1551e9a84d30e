package architecture_test

import (
	"go/ast"
	"testing"
)

// The hard limits of hand-written code outside of tests and fixtures, in lines.
const (
	maxFile     = 500
	maxFunction = 80
	maxPackage  = 4000
)

// largePackages may be larger, each for its reason.
var largePackages = map[string]int{
	"internal/store": 6500, // all SQL: a file per noun, which share one transaction with its change feed and audit log
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, pkg := range readTree(t) {
		if pkg.isFixture() {
			continue
		}
		total := 0
		for _, f := range pkg.files {
			total += f.lines
			if f.lines > maxFile {
				t.Errorf("%s has %d lines, at most %d: cut it along its nouns or steps", f.name, f.lines, maxFile)
			}
			for _, decl := range f.ast.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunction {
					t.Errorf("%s: func %s has %d lines, at most %d: one function is one thought", f.name, fn.Name.Name, n, maxFunction)
				}
			}
		}
		if limit := max(maxPackage, largePackages[pkg.path]); total > limit {
			t.Errorf("package %s has %d lines, at most %d: cut it along its nouns or steps", pkg.path, total, limit)
		}
	}
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	for _, pkg := range readTree(t) {
		var docs []string
		for _, f := range pkg.files {
			if f.ast.Doc != nil {
				docs = append(docs, f.name)
			}
		}
		if len(docs) != 1 && len(pkg.files) > 0 {
			t.Errorf("package %s has its doc in %d files, must be one: %v", pkg.path, len(docs), docs)
		}
	}
}
