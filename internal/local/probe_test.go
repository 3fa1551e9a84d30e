package local_test

import (
	"path/filepath"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, program, state string
		works                bool
	}{
		{"all is there", "/bin/sh", filepath.Join(t.TempDir(), "not", "yet"), true},
		{"no program", "/no/such/program", t.TempDir(), false},
		{"no folder can be made", "/bin/sh", "/dev/null/state", false},
	} {
		p, err := local.New(local.Config{HomesDir: t.TempDir(), StateDir: c.state, Cmd: []string{c.program}})
		if err != nil {
			t.Fatal(err)
		}
		err = p.Probe(t.Context())
		if (err == nil) != c.works || err != nil && hub.CodeOf(err) != hub.Unavailable {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
