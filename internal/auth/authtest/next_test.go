package authtest_test

import (
	"testing"

	"berdlhub/internal/auth/authtest"
)

// TestResolve holds the oracle against what browsers make of addresses on the page http://h/hub/login.
func TestResolve(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/a": "/a", "a": "/hub/a", "http:a": "/hub/a", "http:/a": "/a", "http://h/a": "/a", "HTTP://H/a": "/a", `/a\b`: "/a/b",
		"/a/../b": "/b", "/a/..//b": "//b", "/.//b": "//b", "/%2e%2E/b": "/b", "/a/.": "/a/", "/a/..": "/", "\x20/a\x20": "/a", "/\ta": "/a",
		"?x": "/hub/login?x", "#x": "/hub/login", "/a?b#c": "/a?b", "/?\\e": "/?\\e", "//h": "/",
		"//e": "", `/\e`: "", `\\e`: "", "///e": "", "/\t/e": "", "https:e": "", "https://h/": "", "http:///e": "", "//h@e": "",
		"javascript:x": "", "data:x": "", "http://h:80/": "", "//h.e": "", "file:///x": "", "\x00//e": "",
	} {
		path, stays := authtest.Resolve("http", "h", address)
		if stays != (want != "") || path != want {
			t.Errorf("%q: got %q, %t; want %q", address, path, stays, want)
		}
	}
}
