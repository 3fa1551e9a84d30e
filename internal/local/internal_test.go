package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0123abcd", 4)
	for text, want := range map[string]string{
		"GET /x?token=abc&y=1":                     "GET /x?token=[masked]&y=1",
		`{"access_token": "abc", "b": 1}`:          `{"access_token": "[masked]", "b": 1}`,
		"Authorization: Bearer abc.def":            "Authorization: [masked]",
		"authorization: token abc":                 "authorization: [masked]",
		"export S3_SECRET_KEY='a'":                 "export S3_SECRET_KEY='[masked]'",
		"PASSWORD=hunter2 next":                    "PASSWORD=[masked] next",
		"id " + hex + ".":                          "id [masked].",
		"kbase " + strings.Repeat("A2B3", 8) + ";": "kbase [masked];",
		"curl -H token " + strings.Repeat("z", 16): "curl -H token [masked]",
		"known sesame here":                        "known [masked] here",
		"the tokenizer works at 12:30, key lime":   "the tokenizer works at 12:30, key lime",
	} {
		if got := mask(text, []string{"sesame"}); got != want {
			t.Errorf("%s: got %s; want %s", text, got, want)
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.log")
	if got := tail(path, nil); got != nil {
		t.Errorf("no file: got %q", got)
	}
	for name, tt := range map[string]struct {
		text  string
		lines int
		last  string
	}{
		"empty":           {"", 0, ""},
		"one":             {"a", 1, "a"},
		"many":            {strings.Repeat("x\n", 200) + "end\n", 50, "end"},
		"big":             {strings.Repeat(strings.Repeat("y", 5000)+"\n", 40) + "end\n", 14, "end"},
		"one giant line":  {strings.Repeat("secret=z", 20000), 0, ""},
		"bytes of no use": {"a\xff\xfe\n", 1, "a�"},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := tail(path, nil)
		if len(got) != tt.lines || (tt.lines > 0 && got[len(got)-1] != tt.last) {
			t.Errorf("%s: got %d lines, last %.40q", name, len(got), got[max(0, len(got)-1):])
		}
		for _, line := range got {
			if len(line) > lineBytes+4 {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
		}
	}
}

func FuzzSafeName(f *testing.F) {
	for _, name := range []string{"", "ada", "..", "a/b", "%2F", "%", "ä", "A.b", strings.Repeat("/", 300)} {
		f.Add(name, name+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		safe := safeName(a)
		if safe == "" || safe[0] == '.' || len(safe) > 255 || strings.ContainsAny(safe, "/+\x00") || filepath.Base(safe) != safe {
			t.Errorf("%q becomes %q", a, safe)
		}
		if a != b && safe == safeName(b) {
			t.Errorf("%q and %q both become %q", a, b, safe)
		}
	})
}

func FuzzParseStat(f *testing.F) {
	tail := " S 7 2 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4711 0"
	for _, name := range []string{"(sh)", "(a b)", "(x) S 1 1 1 (y)", ""} {
		f.Add(1, []byte("1 "+name+tail))
	}
	f.Fuzz(func(t *testing.T, pid int, text []byte) {
		s, err := parseStat(pid, text)
		if err == nil && (s.pid != pid || s.state == 0) {
			t.Errorf("got %+v", s)
		}
	})
	if s, err := parseStat(9, []byte("9 (a) S) b)"+tail)); err != nil || s != (stat{pid: 9, parent: 7, group: 2, session: 3, state: 'S', start: 4711}) {
		f.Errorf("got %+v, %v", s, err)
	}
}

func TestOwnStat(t *testing.T) {
	t.Parallel()
	s, err := readStat(os.Getpid())
	if err != nil || s.parent != os.Getppid() || s.start == 0 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestShellJoin(t *testing.T) {
	t.Parallel()
	if got := shellJoin([]string{"a-b", "", "it's", "$x", "a b"}); got != `a-b '' 'it'"'"'s' '$x' 'a b'` {
		t.Error(got)
	}
}

func BenchmarkScan(b *testing.B) {
	for b.Loop() {
		if _, err := scan(func(stat, environment) bool { return false }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(must(filepath.Glob("/proc/[0-9]*")))), "processes")
}

func must(names []string, err error) []string {
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return names
}
