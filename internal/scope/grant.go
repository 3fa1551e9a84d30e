package scope

import (
	"iter"
	"slices"
	"strings"
)

// grant is how far one scope reaches: everywhere, or to the resources that its filters select. The values of each
// kind are sorted and unique. A grant is shared by many scopes and sets, so nothing changes it once it is in a Set.
type grant struct {
	all bool
	by  [kindCount][]string
}

// everywhere is the grant of an unfiltered scope, nowhere that of a scope which is not held.
var (
	everywhere = &grant{all: true}
	nowhere    = &grant{}
)

// only makes the grant of a single filter.
func only(kind int, value string) *grant {
	g := &grant{}
	g.by[kind] = []string{value}
	return g
}

func (g *grant) empty() bool {
	if g.all {
		return false
	}
	for _, values := range g.by {
		if len(values) > 0 {
			return false
		}
	}
	return true
}

// settle brings the values of a grant under construction into order.
func (g *grant) settle() {
	for kind, values := range g.by {
		if len(values) > 1 {
			slices.Sort(values)
			g.by[kind] = slices.Compact(values)
		}
	}
}

// withoutServers is the grant without its server filters; nil if nothing remains.
func (g *grant) withoutServers() *grant {
	if len(g.by[byServer]) == 0 {
		return g
	}
	less := *g
	less.by[byServer] = nil
	if less.empty() {
		return nil
	}
	return &less
}

// merge unites two grants; either may be nil.
func merge(a, b *grant) *grant {
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	case a.all || b.all:
		return everywhere
	}
	u := &grant{}
	for kind := range u.by {
		u.by[kind] = unite(a.by[kind], b.by[kind])
	}
	return u
}

// unite merges sorted lists. A list that adds nothing is not copied.
func unite(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	u := slices.Concat(a, b)
	slices.Sort(u)
	return slices.Compact(u)
}

// resources runs over the filters of a grant in a fixed order.
func (g *grant) resources() iter.Seq[resource] {
	return func(yield func(resource) bool) {
		for kind, values := range g.by {
			for _, value := range values {
				if !yield(resource{kind, value, ownerOf(kind, value)}) {
					return
				}
			}
		}
	}
}

// ownerOf is the user whose groups decide about a filter.
func ownerOf(kind int, value string) string {
	switch kind {
	case byUser:
		return value
	case byServer:
		owner, _, _ := strings.Cut(value, "/")
		return owner
	}
	return ""
}

// covers reports whether the grant reaches a resource: by the same filter, to a server also by its owner, and to a
// user or a server also by a group of that user. A server filter never reaches its owner.
func (g *grant) covers(r resource, m Membership) bool {
	if g.all || g.lists(r.kind, r.value) {
		return true
	}
	if r.kind == byServer && g.lists(byUser, r.owner) {
		return true
	}
	if r.kind != byServer && r.kind != byUser || m == nil {
		return false
	}
	for _, group := range g.by[byGroup] {
		if m.InGroup(r.owner, group) {
			return true
		}
	}
	return false
}

func (g *grant) lists(kind int, value string) bool {
	values := g.by[kind]
	if len(values) == 1 {
		return values[0] == value
	}
	_, found := slices.BinarySearch(values, value)
	return found
}

// contains reports whether all that h reaches is reached by g.
func (g *grant) contains(h *grant, m Membership) bool {
	if g.all || h.all {
		return g.all
	}
	for r := range h.resources() {
		if !g.covers(r, m) {
			return false
		}
	}
	return true
}

// meet is the grant for what both reach, as far as filters can say it: each side's filters that the other covers.
// It is nil if nothing remains.
func meet(a, b *grant, m Membership) *grant {
	if a.all {
		return b
	}
	if b.all || a == b {
		return a
	}
	both := &grant{}
	for r := range a.resources() {
		if b.covers(r, m) {
			both.by[r.kind] = append(both.by[r.kind], r.value)
		}
	}
	for r := range b.resources() {
		if a.covers(r, m) {
			both.by[r.kind] = append(both.by[r.kind], r.value)
		}
	}
	if both.empty() {
		return nil
	}
	both.settle()
	return both
}

// equal reports whether two grants have the same filters.
func (g *grant) equal(h *grant) bool {
	if g == h {
		return true
	}
	if g.all != h.all {
		return false
	}
	for kind := range g.by {
		if !slices.Equal(g.by[kind], h.by[kind]) {
			return false
		}
	}
	return true
}
