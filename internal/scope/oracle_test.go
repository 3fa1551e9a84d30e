package scope_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

// oracle is what JupyterHub's Python functions answered; testdata/oracle.py writes it.
type oracle struct {
	JupyterHub string       `json:"jupyterhub"`
	Seed       int64        `json:"seed"`
	Groups     scope.Groups `json:"groups"` // by user
	Expand     []struct {
		Raw    []string
		Owner  scope.Owner
		Client oracleClient
		Want   []string
	} `json:"expand"`
	Intersect []struct{ A, B, Want []string } `json:"intersect"`
	Has       []struct {
		Held   []string
		Needed string
		Want   bool
	} `json:"has"`
	Token []struct {
		Raw, Roles []string
		Owner      scope.Owner
		Client     oracleClient
		Want       []string
	} `json:"token"`
	Grant []struct {
		Requested, Held []string
		Owner           scope.Owner
		Client          oracleClient
		Want            []string
	} `json:"grant"`
}

type oracleClient struct {
	User     string `json:"user"`
	Server   string `json:"server"`
	IsServer bool   `json:"is_server"`
	Service  string `json:"service"`
}

func readOracle(t *testing.T) oracle {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "oracle.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o oracle
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Expand) == 0 || len(o.Intersect) == 0 || len(o.Has) == 0 || len(o.Token) == 0 || len(o.Grant) == 0 {
		t.Fatal("oracle.json lacks a part")
	}
	return o
}

func TestOracle(t *testing.T) {
	o := readOracle(t)
	t.Logf("answers of JupyterHub %s, seed %d", o.JupyterHub, o.Seed)
	t.Run("expand", func(t *testing.T) {
		for _, c := range o.Expand {
			got := scope.Expand(c.Raw, c.Owner, scope.Client(c.Client), nil).Strings()
			if !slices.Equal(got, c.Want) {
				t.Errorf("Expand(%q, %+v, %+v)\n got %q\nwant %q", c.Raw, c.Owner, c.Client, got, c.Want)
			}
		}
	})
	t.Run("intersect", func(t *testing.T) {
		for _, c := range o.Intersect {
			got := scope.Intersect(scope.Parse(c.A), scope.Parse(c.B), o.Groups).Strings()
			if !slices.Equal(got, c.Want) {
				t.Errorf("Intersect(%q, %q)\n got %q\nwant %q", c.A, c.B, got, c.Want)
			}
		}
	})
	t.Run("has", func(t *testing.T) {
		for _, c := range o.Has {
			base, target := targetOf(t, c.Needed)
			if got := scope.Parse(c.Held).Has(base, target, o.Groups); got != c.Want {
				t.Errorf("%q has %s: got %v, want %v", c.Held, c.Needed, got, c.Want)
			}
		}
	})
	t.Run("token", func(t *testing.T) {
		for _, c := range o.Token {
			owner := scope.Expand(c.Roles, c.Owner, scope.Client{}, nil)
			got := scope.TokenScopes(c.Raw, owner, c.Owner, scope.Client(c.Client), nil, o.Groups).Strings()
			if !slices.Equal(got, c.Want) {
				t.Errorf("token %q of %+v with %q, client %+v\n got %q\nwant %q", c.Raw, c.Owner, c.Roles, c.Client, got, c.Want)
			}
		}
	})
	t.Run("grant", func(t *testing.T) {
		for _, c := range o.Grant {
			client := scope.Client(c.Client)
			granted, _ := scope.Grant(c.Requested, c.Held, c.Owner, client, nil, o.Groups)
			got := scope.Expand(granted, c.Owner, client, nil).Strings()
			if !slices.Equal(got, c.Want) {
				t.Errorf("Grant(%q, held %q, %+v, %+v) = %q\n got %q\nwant %q",
					c.Requested, c.Held, c.Owner, client, granted, got, c.Want)
			}
		}
	})
}

// targetOf reads "base!kind=value" as a base and a target.
func targetOf(t *testing.T, needed string) (string, scope.Target) {
	t.Helper()
	s, err := scope.ParseScope(needed)
	if err != nil {
		t.Fatal(err)
	}
	return s.Base, target(s)
}
