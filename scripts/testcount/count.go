package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// count adds up the tests. Of a test with subtests only the subtests count,
// unless it failed by itself.
type count struct {
	passed, failed, skipped int

	allowed map[string]bool
	out     io.Writer
	// output holds what a test or a package printed, by "package test".
	output map[string][]string
	// parents holds the tests that have subtests, by "package test".
	parents map[string]bool
	// broken holds the tests below which something failed, by "package test";
	// a package's own name ends in a space.
	broken map[string]bool
	// open holds the packages that started and did not end.
	open map[string]bool
	// builds holds the packages whose build failed.
	builds map[string]bool
}

func newCount(allowed map[string]bool, out io.Writer) *count {
	return &count{
		allowed: allowed, out: out,
		output: map[string][]string{}, parents: map[string]bool{}, broken: map[string]bool{},
		open: map[string]bool{}, builds: map[string]bool{},
	}
}

// line takes one line of input. What is not JSON is shown as it is.
func (c *count) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(c.out, line)
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		c.open[e.Package] = true
	case "run":
		c.open[e.Package] = true
		if i := strings.LastIndexByte(e.Test, '/'); i > 0 {
			c.parents[e.Package+" "+e.Test[:i]] = true
		}
	case "output":
		c.output[key] = append(c.output[key], e.Output)
	case "build-output":
		c.output[e.ImportPath+" "] = append(c.output[e.ImportPath+" "], e.Output)
	case "build-fail":
		c.buildFailed(e.ImportPath)
	case "pass", "fail", "skip":
		c.result(e, key)
	}
}

// result takes the end of a test or of a package.
func (c *count) result(e event, key string) {
	if e.Test == "" {
		c.packageResult(e, key)
		return
	}
	switch {
	case e.Action == "fail":
		if !c.broken[key] {
			c.fail(key, "FAIL")
		}
		c.breakParents(e)
	case e.Action == "skip" && !c.allowed[key]:
		c.fail(key, "SKIP (not in the list of tests that may skip)")
		c.breakParents(e)
	case e.Action == "skip":
		c.skipped++
	case !c.parents[key]:
		c.passed++
	}
	delete(c.output, key)
}

// packageResult takes the end of a package. A failure that no test explains (a
// build, a panic, an exit) counts as one.
func (c *count) packageResult(e event, key string) {
	delete(c.open, e.Package)
	if e.Action == "fail" && !c.broken[key] && !c.buildBroken(e.Package) {
		c.fail(key, "FAIL")
		// A panic's text may hang on the test that was running.
		for _, other := range c.keysOf(e.Package) {
			fmt.Fprint(c.out, strings.Join(c.output[other], ""))
		}
	}
	for _, other := range c.keysOf(e.Package) {
		delete(c.output, other)
	}
}

// buildFailed counts a package that did not compile, with the compiler's words.
func (c *count) buildFailed(path string) {
	if c.builds[path] {
		return
	}
	c.builds[path] = true
	c.fail(path+" ", "BUILD FAILED")
}

// buildBroken tells whether the package's own build or that of its tests failed.
func (c *count) buildBroken(pkg string) bool {
	for path := range c.builds {
		if path == pkg || strings.HasPrefix(path, pkg+" [") || strings.HasPrefix(path, pkg+"_test [") || path == pkg+".test" {
			return true
		}
	}
	return false
}

// fail counts one failure and shows the output that belongs to it.
func (c *count) fail(key, word string) {
	c.failed++
	fmt.Fprintf(c.out, "--- %s: %s\n%s", word, strings.TrimSpace(key), strings.Join(c.output[key], ""))
}

// breakParents marks the tests above a failed one, and its package.
func (c *count) breakParents(e event) {
	c.broken[e.Package+" "] = true
	for name := e.Test; ; {
		i := strings.LastIndexByte(name, '/')
		if i <= 0 {
			return
		}
		name = name[:i]
		c.broken[e.Package+" "+name] = true
	}
}

// keysOf lists the tests of a package whose output is still kept, in order.
func (c *count) keysOf(pkg string) []string {
	var keys []string
	for key := range c.output {
		if strings.HasPrefix(key, pkg+" ") && key != pkg+" " {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// end counts the packages that started and never ended as failures. The lint
// tier's events name no package end, so they are told apart by their name.
func (c *count) end() {
	for pkg := range c.open {
		if pkg != "lint" {
			c.fail(pkg+" ", "NEVER ENDED")
		}
	}
}
