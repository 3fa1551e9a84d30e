// Package authtest holds what tests of redirects share: addresses that lead away, and a reading of addresses as browsers do it.
package authtest

import (
	"net/url"
	"strings"
)

// Host stands in the addresses of BadNext and GoodNext for the hub's own host and port.
const Host = "HUB"

// BadNext are addresses that must not lead a browser away from this host. Most are refused; some are only a path to browsers too.
func BadNext(host string) []string {
	list := []string{
		"//e.example", "///e.example", "////e.example", `/\e.example`, `\/e.example`, `\\e.example`, `\e.example`, `/\/e.example`, `//\e.example`, `\\\e.example`,
		"%2f%2fe.example", "/%2fe.example", "/%2f%2fe.example", "/%5ce.example", "%5c%5ce.example", "/%5c%5ce.example", "%09//e.example",
		"https:e.example", "http:e.example", "https:/e.example", "https://e.example", "https:///e.example", `https:\\e.example`, `https:/\e.example`, "HTTPS://e.example",
		"//HUB@e.example", "//HUB:x@e.example", "http://HUB@e.example/", "http://HUB:80@e.example/", `http://HUB\@e.example/`, "http://HUB%2f@e.example/", "http://HUB#@e.example/", "http://HUB?@e.example/",
		"http://HUB.e.example/", "http://HUB%00.e.example/", "//HUB.e.example", "http://e.example/HUB", "http://e.example?http://HUB/", "http://e.example#http://HUB/",
		"/\t/e.example", "/\n/e.example", "/\r/e.example", "\t//e.example", "\n//e.example", " //e.example", "\x00//e.example", "\x1f//e.example", "ht\ntps://e.example", "java\tscript:alert(1)", "/%09/e.example", "/%0a/e.example", "/%0d%0aLocation:%20//e.example",
		"/\u00a0/e.example", "/\u2028/e.example", "\ufeff//e.example", "/\u200b/e.example", "//\u0065\u0301.example", "//ⓔ.example", "//е.example", "／／e.example", "/／e.example", "//xn--e1a.example", "/。e.example",
		"/.//e.example", "/./\\e.example", "/..//e.example", "/hub/..//e.example", "/hub/../..//e.example", "/hub/../../..//e.example", "/%2e//e.example", "/%2e%2e//e.example", "/hub/%2E.//e.example", "/a/..//e.example", "/hub/.././/e.example", `/hub/..\..\\e.example`, "/hub//e.example/%2e%2e/..//..//e.example",
		"javascript:alert(1)", "JavaScript:alert(1)", "javascript://HUB/%0aalert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "ftp://e.example", "blob:http://HUB/x", "about:blank", "view-source:http://HUB/", "ws://HUB/", "mailto:a@e.example",
		"//[::1]", "//[e.example", "http://[::ffff:7f00:1]/", "//2130706433", "//0x7f.1", "http://127.0.0.1:1/", "//e.example:80", "//%65.example", "http://%48UB/", "https://HUB/", "//HUB/\\e.example/..//e.example",
		"e.example", "@e.example", ":80", "?//e.example", "#//e.example", ";//e.example", "hub/home", ".//e.example", "..//e.example", "~//e.example",
	}
	return fill(list, host)
}

// GoodNext are addresses on this host that must arrive unchanged.
func GoodNext(host string) []string {
	return fill([]string{
		"/hub/home", "/hub/token", "/hub/spawn", "/hub/spawn/ada?profile=large", "/user/ada/", "/user/ada/lab", "/user/ada/lab/tree/a%20b.ipynb", "/user/ada/lab?reset&path=a%2Fb",
		"/user/ada/files/a%2Fb", "/user/ada/lab#cell=1", "/user/ada/lab?next=https://e.example/x", "/user/ada/lab?u=//e.example", "/user/ada/proxy/8080/x@y", "/hub/user-redirect/lab/tree/ü",
		"/hub/api/oauth2/authorize?client_id=jupyterhub-user-ada&redirect_uri=%2Fuser%2Fada%2Foauth_callback&response_type=code&state=eyJ1dWlkIjoiMSJ9", "/hub/home?x=%5C%5Ce.example", "/user/ada/a//b",
	}, host)
}

func fill(list []string, host string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ReplaceAll(s, Host, host)
	}
	return out
}

// special are the schemes whose addresses have a host even without slashes. WHATWG URL standard: special scheme.
var special = map[string]bool{"http": true, "https": true, "ws": true, "wss": true, "ftp": true, "file": true}

// Resolve reads an address as a browser does on the page scheme://host/hub/login, and gives the path with its query that it would ask
// this host for; stays is false when it would go anywhere else. WHATWG URL standard, basic URL parser, for http pages: outer
// spaces and controls are cut, tabs and line ends vanish, a backslash is a slash, the page's own scheme may go without slashes.
// Stricter than a browser, another spelling of this host (with its default port, say) counts as another host.
func Resolve(scheme, host, address string) (path string, stays bool) {
	address = strings.TrimFunc(address, func(r rune) bool { return r <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	head, tail := address, ""
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		head, tail = address[:i], address[i:]
	}
	if own, rest, ok := cutScheme(head); ok {
		if !special[own] || own == "file" || own != scheme {
			return "", false
		}
		head = rest
	}
	head = strings.ReplaceAll(head, `\`, "/")
	if strings.HasPrefix(head, "//") {
		authority, rest, _ := strings.Cut(strings.TrimLeft(head, "/"), "/")
		if !strings.EqualFold(authority, host) {
			return "", false
		}
		head = "/" + rest
	}
	switch {
	case head == "":
		head = "/hub/login" // the page itself
	case head[0] != '/':
		head = "/hub/" + head
	}
	query, _, _ := strings.Cut(tail, "#")
	return dotless(head) + query, true
}

// cutScheme cuts a scheme off.
func cutScheme(s string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(s, ":")
	if !ok || scheme == "" || !isLetter(rune(scheme[0])) || strings.ContainsFunc(scheme, func(r rune) bool {
		return !isLetter(r) && (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)
	}) {
		return "", s, false
	}
	return strings.ToLower(scheme), rest, true
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// dotless resolves the dots of a path that begins with a slash; empty parts stay.
func dotless(path string) string {
	parts := strings.Split(path[1:], "/")
	var out []string
	for i, part := range parts {
		last := i == len(parts)-1
		dots, err := url.PathUnescape(part)
		if err != nil {
			dots = part
		}
		switch {
		case dots == ".":
		case dots == "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, part)
			continue
		}
		if last {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}
