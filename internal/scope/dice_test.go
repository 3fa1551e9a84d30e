package scope_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/scope"
)

// The world of the tests: ada is in staff, bob in lab, ad in both; eve is in none.
var members = scope.Groups{"ada": {"staff"}, "bob": {"lab"}, "ad": {"staff", "lab"}}

func target(s scope.Scope) scope.Target {
	switch s.Kind {
	case scope.KindUser:
		return scope.OfUser(s.Value)
	case scope.KindServer:
		user, name, _ := strings.Cut(s.Value, "/")
		return scope.OfServer(user, name)
	case scope.KindGroup:
		return scope.OfGroup(s.Value)
	case scope.KindService:
		return scope.OfService(s.Value)
	}
	return scope.Anything()
}

// dice draws random scopes; the seed is printed when the test fails.
type dice struct{ *rand.Rand }

func newDice(t *testing.T) dice {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return dice{rand.New(rand.NewPCG(seed, 0))}
}

func (d dice) pick(list ...string) string { return list[d.IntN(len(list))] }

func (d dice) filter() string {
	switch d.IntN(6) {
	case 0:
		return "!user=" + d.pick("ada", "bob", "ad", "eve")
	case 1:
		return "!group=" + d.pick("staff", "lab", "void")
	case 2:
		return "!server=" + d.pick("ada", "bob", "ad", "eve") + "/" + d.pick("", "lab")
	case 3:
		return "!service=" + d.pick("cull", "news")
	case 4:
		return d.pick("!user", "!server", "!service")
	}
	return ""
}

// raw draws up to most raw scopes, unknown and broken ones among them.
func (d dice) raw(most int) []string {
	list := make([]string, 0, most)
	for range d.IntN(most + 1) {
		switch d.IntN(12) {
		case 0:
			list = append(list, "self")
		case 1:
			list = append(list, d.pick("", "!", "nope", "users!", "users!user=", "users!x=y", "users!group"))
		default:
			base := d.pick("users", "admin:users", "servers", "admin:servers", "read:users", "access:servers", "shares",
				"groups", "admin:services", "tokens", "custom:x:all", "custom:x:read")
			list = append(list, base+d.filter())
		}
	}
	return list
}

var customs = scope.Custom{
	"custom:x:all":  {Description: "All of x", Subscopes: []string{"custom:x:read", "custom:x:write"}},
	"custom:x:read": {Description: "Read x"},
	// A second step of inclusion.
	"custom:x:write":  {Description: "Write x", Subscopes: []string{"custom:x:append"}},
	"custom:x:append": {Description: "Append to x"},
}
