package scope_test

import (
	"slices"
	"testing"

	"berdlhub/internal/scope"
)

const rounds = 1000

var (
	propertyOwner  = scope.Owner{User: "ada"}
	propertyClient = scope.Client{User: "ada", Server: "lab", IsServer: true}
)

func (d dice) set(most int) scope.Set {
	return scope.Expand(d.raw(most), propertyOwner, propertyClient, customs)
}

// target draws what is acted on.
func (d dice) target() scope.Target {
	switch d.IntN(5) {
	case 0:
		return scope.OfUser(d.pick("ada", "bob", "ad", "eve"))
	case 1:
		return scope.OfServer(d.pick("ada", "bob", "ad", "eve"), d.pick("", "lab"))
	case 2:
		return scope.OfGroup(d.pick("staff", "lab", "void"))
	case 3:
		return scope.OfService(d.pick("cull", "news"))
	}
	return scope.Anything()
}

var propertyBases = []string{"users", "read:users", "servers", "read:servers", "access:servers", "groups", "tokens", "custom:x:read"}

func TestIntersectionNeverExceeds(t *testing.T) {
	d := newDice(t)
	for range rounds {
		a, b := d.set(6), d.set(6)
		both := scope.Intersect(a, b, members)
		if !a.Contains(both, members) || !b.Contains(both, members) {
			t.Fatalf("%q\nand %q\ngive %q", a.Strings(), b.Strings(), both.Strings())
		}
		if other := scope.Intersect(b, a, members); !both.Equal(other) {
			t.Fatalf("%q\nand %q\ngive %q or %q", a.Strings(), b.Strings(), both.Strings(), other.Strings())
		}
		if excess := a.Excess(b, members); a.Contains(b, members) != (len(excess) == 0) {
			t.Fatalf("%q\ncontains %q: %v\nbut the excess is %q", a.Strings(), b.Strings(), a.Contains(b, members), excess)
		}
		base, target := d.pick(propertyBases...), d.target()
		if both.Has(base, target, members) && !(a.Has(base, target, members) && b.Has(base, target, members)) {
			t.Fatalf("%q\nand %q\nallow %s on %+v", a.Strings(), b.Strings(), base, target)
		}
		// Not Equal: a server filter may stand beside the filter of its owner.
		if a.Contains(b, members) && !both.Contains(b, members) {
			t.Fatalf("%q\ncontains %q\nbut the intersection is only %q", a.Strings(), b.Strings(), both.Strings())
		}
	}
}

func TestUnionIsExact(t *testing.T) {
	d := newDice(t)
	for range rounds {
		a, b, c := d.set(4), d.set(4), d.set(4)
		beforeA, beforeB := a.Strings(), b.Strings()
		u := scope.Union(a, b, c)
		for _, part := range []scope.Set{a, b, c} {
			if !u.Contains(part, members) {
				t.Fatalf("%q\nlacks %q", u.Strings(), part.Strings())
			}
		}
		base, target := d.pick(propertyBases...), d.target()
		parts := a.Has(base, target, members) || b.Has(base, target, members) || c.Has(base, target, members)
		if got := u.Has(base, target, members); got != parts {
			t.Fatalf("%q %q %q: union has %s on %+v: %v, the parts: %v", a.Strings(), b.Strings(), c.Strings(), base, target, got, parts)
		}
		if !slices.Equal(a.Strings(), beforeA) || !slices.Equal(b.Strings(), beforeB) {
			t.Fatal("Union changed its arguments")
		}
	}
}

func TestExpandIsIdempotentAndMonotone(t *testing.T) {
	d := newDice(t)
	for range rounds {
		raw := d.raw(6)
		once := scope.Expand(raw, propertyOwner, propertyClient, customs)
		again := scope.Expand(once.Strings(), propertyOwner, propertyClient, customs)
		if !once.Equal(again) {
			t.Fatalf("%q\nexpands to %q\nand then to %q", raw, once.Strings(), again.Strings())
		}
		if !once.Equal(scope.Parse(once.Strings())) {
			t.Fatalf("%q\nchanges when read back", once.Strings())
		}
		d.Shuffle(len(raw), func(i, j int) { raw[i], raw[j] = raw[j], raw[i] })
		if shuffled := scope.Expand(raw, propertyOwner, propertyClient, customs); !once.Equal(shuffled) {
			t.Fatalf("%q: the order matters", raw)
		}
		if more := scope.Expand(append(raw, d.raw(3)...), propertyOwner, propertyClient, customs); !more.Contains(once, nil) {
			t.Fatalf("%q: more scopes allow less", raw)
		}
	}
}

func TestTokenNeverExceedsOwner(t *testing.T) {
	d := newDice(t)
	for range rounds {
		owner, raw := d.set(6), d.raw(6)
		if d.IntN(10) == 0 {
			raw = append(raw, scope.Inherit)
		}
		token := scope.TokenScopes(raw, owner, propertyOwner, propertyClient, customs, members)
		if !owner.Contains(token, members) {
			t.Fatalf("owner %q\ntoken %q\nhas %q", owner.Strings(), raw, owner.Excess(token, members))
		}
	}
}

func TestGrantNeverExceedsHeldOrRequested(t *testing.T) {
	d := newDice(t)
	for range rounds {
		requested, held := d.raw(4), d.raw(6)
		granted, _ := scope.Grant(requested, held, propertyOwner, propertyClient, customs, members)
		got := scope.Expand(granted, propertyOwner, propertyClient, customs)
		for name, limit := range map[string][]string{"held": held, "requested": requested} {
			if l := scope.Expand(limit, propertyOwner, propertyClient, customs); !l.Contains(got, members) {
				t.Fatalf("requested %q\nheld %q\ngranted %q: beyond what is %s: %q", requested, held, granted, name, l.Excess(got, members))
			}
		}
	}
}
