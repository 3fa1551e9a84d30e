package conformance_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/compatibility.md anew")

// TestParseSteps reads a list, and refuses what is none.
func TestParseSteps(t *testing.T) {
	t.Parallel()
	steps, err := parseSteps("area", "# a remark\nPOST api/users/ada as admin {\"admin\": true}\n  keep token = token\n  header Accept: a:b\n\nGET hub/x by ada\nPOST hub/login by p form a=b\n  until status = 30*\n  shows <b>\nrelease ada\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprint(s, " ", s.line, s.verb, s.path, s.token, s.browser, s.body, s.form, s.headers, s.keeps, s.until, s.shows))
	}
	want := []string{
		`area | POST api/users/ada as admin {"admin": true} 2POSThub/api/users/adaadmin{"admin": true}false [[Accept a:b]] [[token token]] [ ] []`,
		`area | GET hub/x by ada 6GEThub/xadafalse [] [] [ ] []`,
		`area | POST hub/login by p form a=b 7POSThub/loginpa=btrue [] [] [status 30*] [<b>]`,
		`area | release ada 10releaseadafalse [] [] [ ] []`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, bad := range []string{"GET", "jump high", "  header A: b", "GET x\n  colour red", "GET x\n  header A", "GET x\n  keep a"} {
		if _, err := parseSteps("area", bad); err == nil {
			t.Errorf("%q is read as a list", bad)
		}
	}
}

// TestDifferences holds that what clients see differ is seen, and that what must differ is not.
func TestDifferences(t *testing.T) {
	t.Parallel()
	type reply struct {
		status  int
		headers []string
		body    string
	}
	jsonHeaders := []string{"Content-Type", "application/json"}
	for name, test := range map[string]struct {
		one, other reply
		want       string
	}{
		"the same":        {reply{200, jsonHeaders, `{"a":1}`}, reply{200, jsonHeaders, `{ "a": 1 }`}, ""},
		"order of words":  {reply{200, jsonHeaders, `{"a":["x","y"]}`}, reply{200, jsonHeaders, `{"a":["y","x"]}`}, ""},
		"times":           {reply{200, jsonHeaders, `{"a":"2026-01-02T03:04:05.000001Z"}`}, reply{200, jsonHeaders, `{"a":"2027-01-02T03:04:05Z"}`}, ""},
		"no time":         {reply{200, jsonHeaders, `{"a":"2026-01-02T03:04:05.000001Z"}`}, reply{200, jsonHeaders, `{"a":"2026-01-02 03:04"}`}, `body.a: "TIME" → "2026-01-02 03:04"`},
		"ids":             {reply{200, jsonHeaders, `{"id":"a1"}`}, reply{200, jsonHeaders, `{"id":"a2"}`}, ""},
		"a type":          {reply{200, jsonHeaders, `{"a":1}`}, reply{200, jsonHeaders, `{"a":"1"}`}, `body.a: 1 → "1"`},
		"null and no key": {reply{200, jsonHeaders, `{"a":null,"b":0}`}, reply{200, jsonHeaders, `{"b":0}`}, "body.a: <nil> → absent"},
		"another effect":  {reply{201, jsonHeaders, `{"a":1}`}, reply{400, jsonHeaders, `{"status":400,"message":null}`}, "status: 201 → 400"},
		"another error":   {reply{403, jsonHeaders, `{"status":403,"message":null}`}, reply{404, jsonHeaders, `{"status":404,"message":null}`}, "status: 403 → 404"},
		"a header":        {reply{200, []string{"Etag", "x"}, ""}, reply{200, nil, ""}, "header Etag: present → absent"},
		"a cookie": {
			reply{200, []string{"Set-Cookie", "a=1; Path=/; HttpOnly"}, ""},
			reply{200, []string{"Set-Cookie", "a=2; Path=/; Max-Age=3600"}, ""},
			"cookie a HttpOnly: yes → absent; cookie a: for the session → for 1h0m0s",
		},
		"events": {
			reply{200, []string{"Content-Type", "text/event-stream"}, "\n\ndata: {\"a\":1}\n\ndata: {\"b\":2}\n\n"},
			reply{200, []string{"Content-Type", "text/event-stream"}, "data: {\"a\":1}\n\ndata: {\"x\":0}\n\ndata: {\"b\":3}\n\n"},
			"last event.b: 2 → 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := func(r reply) answer {
				resp := &http.Response{StatusCode: r.status, Header: http.Header{}}
				for i := 0; i+1 < len(r.headers); i += 2 {
					resp.Header.Add(r.headers[i], r.headers[i+1])
				}
				return newAnswer(resp, []byte(r.body), nil, func(s string) string { return s })
			}
			if got := strings.Join(differences(facts(test.one), facts(test.other)), "; "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestWanted holds that a listed difference covers what it names, and no more.
func TestWanted(t *testing.T) {
	t.Parallel()
	all, err := parseWanted("A title\n  why: because\n  at: users | GET * || header Etag: * → absent\n  at: * || body: a\n")
	if err != nil {
		t.Fatal(err)
	}
	at := &step{area: "users", text: "GET api"}
	for difference, want := range map[string][2]bool{
		"header Etag: present → absent": {true, false}, "header Etag: present": {}, "body: a": {true, true}, "body: ab": {},
	} {
		if listed, everywhere := isWanted(all, at, difference); listed != want[0] || everywhere != want[1] {
			t.Errorf("%q: %t, %t", difference, listed, everywhere)
		}
	}
	if all[0].places[0].seen != 1 || all[0].places[1].seen != 1 {
		t.Error("it is not marked where a difference was seen")
	}
	for _, bad := range []string{"A\n", "A\n  why: b\n", "  why: b\n", "A\n  at: b\n", "A\n  what: b\n"} {
		if _, err := parseWanted(bad); err == nil {
			t.Errorf("%q is read as a list", bad)
		}
	}
}

// TestCompatibilityPage holds that the page for operators names what the tests take as wanted, and nothing else.
func TestCompatibilityPage(t *testing.T) {
	t.Parallel()
	all, err := readWanted("differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("..", "..", "docs", "compatibility.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(text), listBegin)
	_, after, ok2 := strings.Cut(string(text), listEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s … %s", name, listBegin, listEnd)
	}
	var b strings.Builder
	b.WriteString(before + listBegin + "\n\n| Difference | Reason |\n|---|---|\n")
	for _, w := range all {
		fmt.Fprintf(&b, "| %s | %s |\n", w.title, strings.ReplaceAll(w.reason, "|", "\\|"))
	}
	b.WriteString("\n" + listEnd + after)
	if b.String() == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s does not have the differences of differences.txt: run `go test ./test/conformance -update`", name)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Between these the page's table is made from differences.txt.
const (
	listBegin = "<!-- differences: made from test/conformance/differences.txt -->"
	listEnd   = "<!-- end of differences -->"
)
