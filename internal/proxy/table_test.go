package proxy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"berdlhub/internal/proxy"
)

func tableOf(t testing.TB, prefixes ...string) *proxy.Table {
	t.Helper()
	table := proxy.NewTable()
	for _, p := range prefixes {
		if err := table.Set(proxy.Route{Prefix: p, Target: "http://10.0.0.1:8888"}); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

func found(table *proxy.Table, path string) string {
	e, ok := table.Lookup(path)
	if !ok {
		return ""
	}
	return e.Route().Prefix
}

func TestLookup(t *testing.T) {
	table := tableOf(t, "/user/ada/", "/user/ada/lab/", "/user/adam/", "/user/j%40e/", "/services/x/", "/user/a%2Fb/", "/user/p%25q/", "/user/é/")
	for path, want := range map[string]string{
		"/user/ada/":                       "/user/ada/",
		"/user/ada":                        "/user/ada/",
		"/user/ada/x":                      "/user/ada/",
		"/user/ada//":                      "/user/ada/",
		"/user/ada/../bob/":                "/user/ada/",
		"/user/ada/la":                     "/user/ada/",
		"/user/ada/lab":                    "/user/ada/lab/",
		"/user/ada/lab/":                   "/user/ada/lab/",
		"/user/ada/labs":                   "/user/ada/",
		"/user/ada%2Flab/":                 "",
		"/user/adam":                       "/user/adam/",
		"/user/adams":                      "",
		"/user/ad":                         "",
		"/user/Ada/":                       "",
		"/user//ada/":                      "",
		"//user/ada/":                      "",
		"/user/%61da/x":                    "/user/ada/",
		"/%75ser/ada":                      "/user/ada/",
		"/user/j%40e/":                     "/user/j%40e/",
		"/user/j@e/x":                      "/user/j%40e/",
		"/user/j@e":                        "/user/j%40e/",
		"/user/a%2fb/":                     "/user/a%2Fb/",
		"/user/a/b/":                       "",
		"/user/p%25q/":                     "/user/p%25q/",
		"/user/p%q/":                       "/user/p%25q/",
		"/user/%C3%A9/":                    "/user/é/",
		"/user/":                           "",
		"/user":                            "",
		"/":                                "",
		"":                                 "",
		"user/ada/":                        "",
		"/services/x/y/z?":                 "/services/x/",
		"/user/ada/" + long(4e3):           "/user/ada/",
		"/user/%61da/" + long(4e3) + "%20": "/user/ada/",
		"/" + long(4e3) + "%20":            "",
	} {
		if got := found(table, path); got != want {
			t.Errorf("Lookup(%.80q) = %q, want %q", path, got, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestRootRouteTakesWhatNoOtherTakes(t *testing.T) {
	table := tableOf(t, "/", "/a/")
	for path, want := range map[string]string{"/": "/", "/b": "/", "//a/": "/", "/a": "/a/", "/ab": "/", "": ""} {
		if got := found(table, path); got != want {
			t.Errorf("Lookup(%q) = %q, want %q", path, got, want)
		}
	}
	if !table.Delete("/") || found(table, "/b") != "" || found(table, "/a/x") != "/a/" {
		t.Error("the root route is not gone, or took another with it")
	}
}

func TestSetRefuses(t *testing.T) {
	const target = "http://10.0.0.1:8888"
	for _, r := range []proxy.Route{
		{Prefix: "", Target: target},
		{Prefix: "user/", Target: target},
		{Prefix: "/user", Target: target},
		{Prefix: "/a?b/", Target: target},
		{Prefix: "/a#b/", Target: target},
		{Prefix: "/a b/", Target: target},
		{Prefix: "/a\r\nb/", Target: target},
		{Prefix: "/a%zz/", Target: target},
		{Prefix: "/" + long(2000) + "/", Target: target},
		{Prefix: "/a/", Target: ""},
		{Prefix: "/a/", Target: "10.0.0.1:80"},
		{Prefix: "/a/", Target: "https://h:1"},
		{Prefix: "/a/", Target: "http://"},
		{Prefix: "/a/", Target: "http://:80"},
		{Prefix: "/a/", Target: "http://h/path"},
		{Prefix: "/a/", Target: "http://h?q"},
		{Prefix: "/a/", Target: "http://u:p@h"},
		{Prefix: "/a/", Target: "file:///etc"},
		{Prefix: "/a/", Target: "http://h:x"},
		{Prefix: "/a/", Target: "http://h#f"},
	} {
		table := proxy.NewTable()
		if err := table.Set(r); err == nil {
			t.Errorf("Set(%.60q to %q) is accepted", r.Prefix, r.Target)
		}
		if _, err := table.Replace([]proxy.Route{{Prefix: "/ok/", Target: target}, r}); err == nil || table.Len() != 0 {
			t.Errorf("Replace with %.60q to %q: %v, %d routes", r.Prefix, r.Target, err, table.Len())
		}
	}
}

func TestReplaceSaysWhatChanged(t *testing.T) {
	table := tableOf(t, "/a/", "/b/", "/c/", "/d/")
	const same, other = "http://10.0.0.1:8888", "http://10.0.0.2:8888"
	changes, err := table.Replace([]proxy.Route{
		{Prefix: "/b/", Target: same},
		{Prefix: "/c/", Target: other},
		{Prefix: "/d/", Target: same, Data: json.RawMessage(`{"user":"d"}`)},
		{Prefix: "/e/", Target: same},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []proxy.Change{{"/a/", proxy.Removed}, {"/c/", proxy.Changed}, {"/d/", proxy.Changed}, {"/e/", proxy.Added}}
	if !slices.Equal(changes, want) {
		t.Errorf("changes are %v, want %v", changes, want)
	}
	var prefixes []string
	for _, r := range table.Routes() {
		prefixes = append(prefixes, r.Prefix)
	}
	if !slices.Equal(prefixes, []string{"/b/", "/c/", "/d/", "/e/"}) || table.Len() != 4 {
		t.Errorf("routes are %v, %d", prefixes, table.Len())
	}
}

func TestTimeOfLastUseSurvivesUnlessTheTargetChanges(t *testing.T) {
	table := tableOf(t, "/a/")
	last := func() time.Time { return table.Activity()[0].Last }
	first := last()
	if time.Since(first) > time.Minute || time.Since(first) < 0 {
		t.Fatalf("a new route was used at %v", first)
	}
	if err := table.Set(proxy.Route{Prefix: "/a/", Target: "http://10.0.0.1:8888", Cookies: proxy.CookieRule{Session: "x"}}); err != nil {
		t.Fatal(err)
	}
	if !last().Equal(first) {
		t.Error("a new session of the owner counts as use of the server")
	}
	if err := table.Set(proxy.Route{Prefix: "/%61/", Target: "http://10.0.0.2:8888"}); err != nil {
		t.Fatal(err)
	}
	if !last().After(first) || table.Len() != 1 {
		t.Errorf("a new target: used at %v, before %v; %d routes", last(), first, table.Len())
	}
}

// TestTableAgainstList makes random changes to a table and to a plain list, and compares every answer.
func TestTableAgainstList(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	words := []string{"", "a", "ab", "abc", "b", "%2F", "@", "%40"}
	path := func(most int) string {
		s := "/"
		for range dice.IntN(most) {
			s += words[dice.IntN(len(words))] + "/"
		}
		return s
	}
	table, list := proxy.NewTable(), map[string]string{} // comparable form → prefix
	for range 5000 {
		p := path(4)
		if dice.IntN(3) > 0 {
			if err := table.Set(proxy.Route{Prefix: p, Target: "http://h:1"}); err != nil {
				t.Fatal(err)
			}
			list[plainForm(p)] = p
		} else {
			_, want := list[plainForm(p)]
			if got := table.Delete(p); got != want {
				t.Fatalf("Delete(%q) = %v, want %v", p, got, want)
			}
			delete(list, plainForm(p))
		}
		if table.Len() != len(list) {
			t.Fatalf("%d routes, want %d", table.Len(), len(list))
		}
		q := strings.TrimSuffix(path(6), "/") + strings.Repeat("/", dice.IntN(2))
		if got, want := found(table, q), longestOf(list, q); got != want {
			t.Fatalf("Lookup(%q) = %q, want %q", q, got, want)
		}
	}
}

// plainForm decodes each segment, with a byte that no path holds between them.
func plainForm(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if d, err := url.PathUnescape(s); err == nil {
			segments[i] = d
		}
	}
	return strings.Join(segments, "\x00")
}

func longestOf(list map[string]string, path string) string {
	best, prefix := -1, ""
	path = plainForm(path)
	if path == "" {
		return ""
	}
	for key, p := range list {
		if (strings.HasPrefix(path, key) || !strings.HasSuffix(path, "\x00") && path+"\x00" == key) && len(key) > best {
			best, prefix = len(key), p
		}
	}
	return prefix
}

func TestLookupDuringChanges(t *testing.T) {
	table := tableOf(t, "/stays/")
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 300 {
				p := fmt.Sprintf("/user/u%d-%d/", worker, i)
				if err := table.Set(proxy.Route{Prefix: p, Target: "http://h:1"}); err != nil {
					t.Error(err)
				}
				if found(table, p+"x") != p || found(table, "/stays/x") != "/stays/" {
					t.Errorf("%q is not found", p)
				}
				if i%2 == 0 {
					table.Delete(p)
				}
			}
		})
	}
	wg.Wait()
	if table.Len() != 1+4*150 {
		t.Errorf("%d routes", table.Len())
	}
}

func bigTable(tb testing.TB, n int) *proxy.Table {
	table := proxy.NewTable()
	for i := range n {
		if err := table.Set(proxy.Route{Prefix: fmt.Sprintf("/user/u%05d/", i), Target: "http://10.0.0.1:8888"}); err != nil {
			tb.Fatal(err)
		}
	}
	return table
}

func TestLookupAllocatesNothing(t *testing.T) {
	table := bigTable(t, 1000)
	for _, path := range []string{"/user/u00500/api/kernels", "/user/%7500500/api/kernels%20x", "/user/nobody/lab"} {
		if n := testing.AllocsPerRun(100, func() { table.Lookup(path) }); n != 0 {
			t.Errorf("Lookup(%q) allocates %v times", path, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	table := bigTable(b, 10000)
	for name, path := range map[string]string{"plain": "/user/u05000/api/kernels/1/channels", "escaped": "/user/u05000/api/contents/a%20b", "none": "/user/x/"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Lookup(path)
			}
		})
	}
}

func BenchmarkSetOneByOne(b *testing.B) {
	table := bigTable(b, 10000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := table.Set(proxy.Route{Prefix: fmt.Sprintf("/user/v%05d/", i%10000), Target: "http://10.0.0.1:8888"}); err != nil {
			b.Fatal(err)
		}
	}
}
