package scope

import (
	"maps"
	"slices"
)

// Set is an expanded, reduced set of scopes: each scope is held everywhere or through filters. A Set never changes,
// so it may be used by several goroutines at once. The zero Set is empty.
type Set struct {
	grants map[string]*grant // no grant in it is empty
}

// Filters are the values by which a scope is held, each list sorted. Servers are written "OWNER/NAME".
type Filters struct {
	Users, Groups, Servers, Services []string
}

// Parse makes a Set of a list that is expanded already, such as the "scopes" of JupyterHub REST API: GET /user.
// It adds no subscopes. Placeholders and text that is not a scope are left out.
func Parse(expanded []string) Set {
	set := Set{grants: make(map[string]*grant, len(expanded))}
	filtered := make(map[string]*grant)
	for _, text := range expanded {
		s, f := split(text)
		switch {
		case f != sound:
		case s.Kind == "":
			set.grants[s.Base] = everywhere
		case s.Value != "":
			collect(filtered, s)
		}
	}
	for base, g := range filtered {
		g.settle()
		set.grants[base] = merge(set.grants[base], g)
	}
	return set
}

// collect adds a filtered scope to the grants under construction.
func collect(filtered map[string]*grant, s Scope) {
	kind, _ := s.Kind.index()
	g := filtered[s.Base]
	if g == nil {
		g = &grant{}
		filtered[s.Base] = g
	}
	g.by[kind] = append(g.by[kind], s.Value)
}

// Strings is the sorted list of the scopes, as JupyterHub REST API: GET /user gives it. It is never nil.
func (s Set) Strings() []string {
	list := make([]string, 0, len(s.grants))
	for base, g := range s.grants {
		list = g.appendTo(list, base)
	}
	slices.Sort(list)
	return list
}

func (g *grant) appendTo(list []string, base string) []string {
	if g.all {
		return append(list, base)
	}
	for r := range g.resources() {
		list = append(list, Scope{base, kinds[r.kind], r.value}.String())
	}
	return list
}

// Empty reports whether no scope is held.
func (s Set) Empty() bool { return len(s.grants) == 0 }

// Has reports whether a scope is held for the target. Only an unfiltered scope allows Anything.
func (s Set) Has(base string, t Target, m Membership) bool {
	g := s.grants[base]
	if g == nil {
		return false
	}
	if g.all {
		return true
	}
	r, one := t.resource()
	return one && g.covers(r, m)
}

// HasAny reports whether a scope is held with any filter or none. List endpoints ask this and then show only what
// Has allows.
func (s Set) HasAny(base string) bool { return s.grants[base] != nil }

// HasAll reports whether a scope is held unfiltered.
func (s Set) HasAll(base string) bool {
	g := s.grants[base]
	return g != nil && g.all
}

// Filters tells by which filters a scope is held, for queries of lists. If all is true the scope is unfiltered and
// the filters are empty. A user is selected by Users and Groups, a server also by Servers.
func (s Set) Filters(base string) (all bool, f Filters) {
	g := s.grants[base]
	if g == nil {
		return false, Filters{}
	}
	return g.all, Filters{
		Users:    slices.Clone(g.by[byUser]),
		Groups:   slices.Clone(g.by[byGroup]),
		Servers:  slices.Clone(g.by[byServer]),
		Services: slices.Clone(g.by[byService]),
	}
}

// Contains reports whether everything the other set allows is allowed by this one.
func (s Set) Contains(other Set, m Membership) bool {
	for base, want := range other.grants {
		if have := s.grants[base]; have == nil || !have.contains(want, m) {
			return false
		}
	}
	return true
}

// Excess lists, sorted, the scopes of the wanted set that this one does not allow. It is empty exactly if Contains
// is true. JupyterHub REST API: POST /users/{name}/tokens names them in its refusal.
func (s Set) Excess(wanted Set, m Membership) []string {
	var list []string
	for base, want := range wanted.grants {
		have := s.grants[base]
		if have == nil {
			have = nowhere
		}
		list = append(list, have.excess(base, want, m)...)
	}
	slices.Sort(list)
	return list
}

func (g *grant) excess(base string, want *grant, m Membership) []string {
	if g.all {
		return nil
	}
	if want.all {
		return []string{base}
	}
	var list []string
	for r := range want.resources() {
		if !g.covers(r, m) {
			list = append(list, Scope{base, kinds[r.kind], r.value}.String())
		}
	}
	return list
}

// Equal reports whether two sets hold the same scopes with the same filters.
func (s Set) Equal(other Set) bool {
	return maps.EqualFunc(s.grants, other.grants, (*grant).equal)
}

// Union is the set that allows what any of the sets allows.
func Union(sets ...Set) Set {
	switch len(sets) {
	case 0:
		return Set{}
	case 1:
		return sets[0]
	}
	// In halves, so that a thousand shares of one scope are not merged a thousand times.
	half := len(sets) / 2
	a, b := Union(sets[:half]...), Union(sets[half:]...)
	if a.Empty() {
		return b
	}
	if b.Empty() {
		return a
	}
	grants := maps.Clone(a.grants)
	for base, g := range b.grants {
		grants[base] = merge(grants[base], g)
	}
	return Set{grants: grants}
}

// Intersect is the set that allows what both sets allow. The result depends on m where one side has a group filter:
// it must not be kept across changes of membership.
func Intersect(a, b Set, m Membership) Set {
	grants := make(map[string]*grant, min(len(a.grants), len(b.grants)))
	for base, ga := range a.grants {
		gb := b.grants[base]
		if gb == nil {
			continue
		}
		if g := meet(ga, gb, m); g != nil {
			grants[base] = g
		}
	}
	return Set{grants: grants}
}
