package scope

import "slices"

// Verdict is the outcome of a permission check of the REST API.
type Verdict int

// The verdicts. The zero value refuses.
const (
	// Forbidden is answered with status 403.
	Forbidden Verdict = iota
	// NotFound is answered with status 404: a scope is held, but for other objects, and so the caller must not learn
	// whether this one exists.
	NotFound
	// Allowed lets the request pass.
	Allowed
)

// String names the verdict for logs and tests.
func (v Verdict) String() string {
	switch v {
	case Allowed:
		return "allowed"
	case NotFound:
		return "not found"
	}
	return "forbidden"
}

// Check judges an action on the target that needs any one of some scopes.
func (s Set) Check(t Target, m Membership, anyOf ...string) Verdict {
	_, one := t.resource()
	verdict := Forbidden
	for _, base := range anyOf {
		if s.Has(base, t, m) {
			return Allowed
		}
		if one && s.HasAny(base) {
			verdict = NotFound
		}
	}
	return verdict
}

// CheckList judges a list endpoint that needs any one of some scopes, with whatever filter. The list must then be
// limited to what Has or Filters allow.
func (s Set) CheckList(anyOf ...string) Verdict {
	if slices.ContainsFunc(anyOf, s.HasAny) {
		return Allowed
	}
	return Forbidden
}
