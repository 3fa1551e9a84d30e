package main

import (
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name                    string
		input                   []string
		passed, failed, skipped int
		shows                   string
	}{
		{"a plain pass", []string{
			`{"Action":"start","Package":"p"}`, `{"Action":"run","Package":"p","Test":"TestA"}`,
			`{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"pass","Package":"p"}`,
		}, 1, 0, 0, ""},
		{"only subtests count", []string{
			`{"Action":"run","Package":"p","Test":"TestA"}`, `{"Action":"run","Package":"p","Test":"TestA/x"}`, `{"Action":"run","Package":"p","Test":"TestA/y"}`,
			`{"Action":"pass","Package":"p","Test":"TestA/x"}`, `{"Action":"pass","Package":"p","Test":"TestA/y"}`, `{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"pass","Package":"p"}`,
		}, 2, 0, 0, ""},
		{"a failed subtest fails once", []string{
			`{"Action":"run","Package":"p","Test":"TestA"}`, `{"Action":"run","Package":"p","Test":"TestA/x"}`,
			`{"Action":"output","Package":"p","Test":"TestA/x","Output":"got 41\n"}`,
			`{"Action":"fail","Package":"p","Test":"TestA/x"}`, `{"Action":"fail","Package":"p","Test":"TestA"}`, `{"Action":"fail","Package":"p"}`,
		}, 0, 1, 0, "got 41"},
		{"a skip that may not be fails", []string{
			`{"Action":"run","Package":"p","Test":"TestB"}`, `{"Action":"skip","Package":"p","Test":"TestB"}`, `{"Action":"pass","Package":"p"}`,
		}, 0, 1, 0, "SKIP"},
		{"a listed skip", []string{
			`{"Action":"run","Package":"p","Test":"TestS"}`, `{"Action":"skip","Package":"p","Test":"TestS"}`, `{"Action":"pass","Package":"p"}`,
		}, 0, 0, 1, ""},
		{"a build failure", []string{
			`{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"}`, `{"ImportPath":"p [p.test]","Action":"build-fail"}`,
			`{"Action":"start","Package":"p"}`, `{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
		}, 0, 1, 0, "undefined: x"},
		{"a panic without a failed test", []string{
			`{"Action":"start","Package":"p"}`, `{"Action":"run","Package":"p","Test":"TestA"}`,
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}`, `{"Action":"fail","Package":"p"}`,
		}, 0, 1, 0, "panic: no"},
		{"a package without tests", []string{
			`{"Action":"start","Package":"p"}`, `{"Action":"skip","Package":"p"}`,
		}, 0, 0, 0, ""},
		{"a package cut off", []string{
			`{"Action":"start","Package":"p"}`,
		}, 0, 1, 0, "NEVER ENDED"},
		{"text that is not JSON is shown", []string{"go: no such module"}, 0, 0, 0, "go: no such module"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			c := newCount(map[string]bool{"p TestS": true}, &out)
			for _, line := range row.input {
				c.line(line + "\n")
			}
			c.end()
			if c.passed != row.passed || c.failed != row.failed || c.skipped != row.skipped {
				t.Errorf("got %d passed, %d failed, %d skipped; want %d, %d, %d", c.passed, c.failed, c.skipped, row.passed, row.failed, row.skipped)
			}
			if !strings.Contains(out.String(), row.shows) {
				t.Errorf("output %q does not show %q", out.String(), row.shows)
			}
		})
	}
}
