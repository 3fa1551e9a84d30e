//go:build e2e

package conformance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"berdlhub/test/e2e/partstest"
)

// setups are the folders of lists; each has a configuration of its own.
var setups = []string{"main", "plain"}

// TestConformance makes every request of the lists of both hubs and compares what they answer.
func TestConformance(t *testing.T) {
	work, summary := t.TempDir(), filepath.Join(partstest.Root(t), "out", "conformance.txt")
	_ = os.Remove(summary) // of the last run; there may be none
	own, trivial := filepath.Join(work, "berdlhub"), filepath.Join(work, "trivial")
	if built := os.Getenv("CONFORMANCE_HUB"); built != "" {
		own = built
	} else {
		build(t, own, "./cmd/berdlhub")
	}
	build(t, trivial, "./bench/trivial")
	python, chp := partstest.PythonEnv(t, "hub6"), partstest.ConfigurableHTTPProxy(t)
	path := "PATH=" + filepath.Dir(chp) + ":" + filepath.Join(python, "bin") + ":" + os.Getenv("PATH")
	all, err := readWanted("differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	var c count
	for _, name := range setups {
		setup := filepath.Join("steps", name)
		steps, err := readSteps(setup)
		if err != nil {
			t.Fatal(err)
		}
		answers := run(t, steps,
			func(t *testing.T) *side {
				return newSide(t, "jupyterhub", setup, trivial, []string{filepath.Join(python, "bin", "jupyterhub")}, path)
			},
			func(t *testing.T) *side { return newSide(t, "berdlhub", setup, trivial, []string{own, "hub"}, path) })
		c.compare(t, name, steps, answers, all)
	}
	for _, w := range all {
		for _, p := range w.places {
			if p.seen == 0 {
				t.Errorf("differences.txt: %q is no longer a difference at: %s || %s", w.title, p.step, p.fact)
			}
		}
	}
	said := fmt.Sprintf("%d steps: %d alike but for what differs everywhere, %d with wanted differences of their own, %d with others; %d wanted differences in all\n", c.alike+c.listed+c.unlike, c.alike, c.listed, c.unlike, len(all))
	t.Log(said)
	if err := os.MkdirAll(filepath.Dir(summary), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(summary, []byte(said), 0o600); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, to, from string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "build", "-o", to, from)
	c.Dir, c.Env = partstest.Root(t), append(os.Environ(), "CGO_ENABLED=0")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", from, err, text)
	}
}

// run takes both hubs through the steps, at the same time. The hubs end before it returns.
func run(t *testing.T, steps []*step, hubs ...func(*testing.T) *side) [][]answer {
	t.Helper()
	answers := make([][]answer, len(hubs))
	t.Run("run", func(t *testing.T) {
		var all sync.WaitGroup
		for i, start := range hubs {
			hub := start(t)
			all.Go(func() {
				for _, st := range steps {
					answers[i] = append(answers[i], hub.do(st))
				}
			})
		}
		all.Wait()
	})
	return answers
}

// count tells how many steps both hubs answer alike.
type count struct{ alike, listed, unlike int }

// compare has one test for each list.
func (c *count) compare(t *testing.T, setup string, steps []*step, answers [][]answer, all []*wanted) {
	t.Helper()
	for from := 0; from < len(steps); {
		to := from
		for to < len(steps) && steps[to].area == steps[from].area {
			to++
		}
		t.Run(setup+"/"+steps[from].area, func(t *testing.T) {
			for i, st := range steps[from:to] {
				if st.isRequest() {
					c.step(t, st, answers[0][from+i], answers[1][from+i], all)
				}
			}
		})
		from = to
	}
}

func (c *count) step(t *testing.T, st *step, reference, own answer, all []*wanted) {
	t.Helper()
	if strings.HasPrefix(reference["status"], "no ") {
		t.Errorf("%s.txt:%d: %s\n  JupyterHub gives %s", st.area, st.line, st.text, reference["status"])
	}
	found := differences(reference, own)
	var others []string
	alike := true
	for _, d := range found {
		listed, everywhere := isWanted(all, st, d)
		alike = alike && everywhere
		if !listed {
			others = append(others, d)
		}
	}
	switch {
	case alike:
		c.alike++
	case len(others) == 0:
		c.listed++
	default:
		c.unlike++
		t.Errorf("%s.txt:%d: %s\n  %s", st.area, st.line, st.text, strings.Join(others, "\n  "))
	}
	if os.Getenv("CONFORMANCE_SHOW") != "" {
		t.Logf("%s.txt:%d: %s\n  %v", st.area, st.line, st.text, reference)
	}
}
