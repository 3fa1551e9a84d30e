package config

import (
	"strings"
	"testing"
)

func TestTraitTable(t *testing.T) {
	for i := range classes {
		c := &classes[i]
		if _, ok := classesByName[c.Parent]; c.Parent != "" && !ok {
			t.Errorf("%s has the unknown parent %s", c.Name, c.Parent)
		}
		seen := map[string]bool{}
		for j := range c.Traits {
			if seen[c.Traits[j].Name] {
				t.Errorf("%s.%s is there twice", c.Name, c.Traits[j].Name)
			}
			seen[c.Traits[j].Name] = true
			checkTrait(t, c, &c.Traits[j])
		}
	}
}

func checkTrait(t *testing.T, c *Class, tr *Trait) {
	t.Helper()
	name := c.Name + "." + tr.Name
	s := newSettings()
	if v := mustJSON(tr.Default); tr.Status != Python && !s.fits(c, tr, name, v) {
		t.Errorf("the default of %s: %v", name, s.faults)
	}
	if (tr.Note == "") != (tr.Status == Used) {
		t.Errorf("%s is %s with the note %q", name, tr.Status, tr.Note)
	}
	if tr.Meaning == "" || (expected(tr) == "" && tr.Status != Python) {
		t.Errorf("%s lacks a meaning or words for its type %s", name, tr.Type)
	}
}

func TestTablesBesideTheTraits(t *testing.T) {
	for _, table := range []map[string]bool{secretTraits, mapKeys(choices), mapKeys(ranges)} {
		for name := range table {
			class, trait, _ := strings.Cut(name, ".")
			if tr, owner := find(class, trait); tr == nil || owner.Name != class {
				t.Errorf("%s is not defined there", name)
			}
		}
	}
	for _, class := range pythonNames {
		if classesByName[class] == nil {
			t.Errorf("%s is no class", class)
		}
	}
}

func mapKeys[V any](m map[string]V) map[string]bool {
	out := map[string]bool{}
	for key := range m {
		out[key] = true
	}
	return out
}

// TestUsedTraitsAreRead holds the table to the truth: a trait is marked as used if and only if the typed configuration reads it.
func TestUsedTraitsAreRead(t *testing.T) {
	read := map[string]bool{}
	for _, authenticator := range []string{"kbase", "dummy", "shared-password", "null"} {
		for _, spawner := range []string{"simple", "localprocess"} {
			s := newSettings()
			s.commandLine(s.arguments([]string{"--JupyterHub.authenticator_class=" + authenticator, "--JupyterHub.spawner_class=" + spawner}))
			s.build()
			for name := range s.read {
				read[name] = true
			}
		}
	}
	for _, c := range classes {
		for _, tr := range c.Traits {
			if name := c.Name + "." + tr.Name; (tr.Status == Used) != read[name] {
				t.Errorf("%s is marked %q, and read: %v", name, tr.Status, read[name])
			}
		}
	}
}

func TestNearest(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"bind_ulr", "bind_url"},
		{"Bind_URL", "bind_url"},
		{"start_timout", "start_timeout"},
		{"cmds", "cmd"},
		{"xyzzy", ""},
		{"", ""},
		{strings.Repeat("bind_url", 50), ""},
	} {
		if got := nearest(c.name, []string{"bind_url", "start_timeout", "cmd"}); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "", 3}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance %q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, source := range []string{"x.json", "x.yaml"} {
		doc, err := parseDocument([]byte("{\n  \"A\": {\n    \"b\": [1,\n\t  {\"c\" : \"d\"}]\n  }\n}"), source)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := doc.member("A")
		b, _ := a.member("b")
		items, _ := b.data.([]value)
		c, _ := items[1].member("c")
		for _, one := range []struct {
			v    value
			want string
		}{{doc, ":1:1"}, {a, ":2:8"}, {b, ":3:10"}, {items[1], ":4:4"}, {c, ":4:11"}} {
			if got := one.v.at.String(); got != source+one.want {
				t.Errorf("%s, want %s%s", got, source, one.want)
			}
		}
	}
}
