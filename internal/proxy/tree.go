package proxy

import "strings"

// node is a node of an immutable radix tree over canonical prefixes. Changing the tree copies the nodes on one path, so
// readers keep the tree that they hold and a change costs the length of a prefix, whatever the number of routes.
type node struct {
	label string  // the bytes that lead here from the parent
	entry *Entry  // the route whose prefix ends here, or nil
	first string  // the first byte of each kid's label, ascending
	kids  []*node // in the order of first
}

// find gives the place of the kid that begins with c, or where it would have to stand.
func (n *node) find(c byte) (int, bool) {
	i := strings.IndexByte(n.first, c)
	if i >= 0 {
		return i, true
	}
	for i = 0; i < len(n.first) && n.first[i] < c; i++ {
	}
	return i, false
}

// insert gives a copy of the tree in which key leads to e.
func (n *node) insert(key string, e *Entry) *node {
	changed := *n
	if key == "" {
		changed.entry = e
		return &changed
	}
	i, ok := n.find(key[0])
	if !ok {
		changed.first = n.first[:i] + key[:1] + n.first[i:]
		changed.kids = make([]*node, 0, len(n.kids)+1)
		changed.kids = append(changed.kids, n.kids[:i]...)
		changed.kids = append(changed.kids, &node{label: key, entry: e})
		changed.kids = append(changed.kids, n.kids[i:]...)
		return &changed
	}
	kid := n.kids[i]
	shared := commonLength(kid.label, key)
	if shared < len(kid.label) {
		kid = kid.split(shared)
	}
	return n.withKid(i, kid.insert(key[shared:], e))
}

// split puts a node without a route above n, at the given place in its label.
func (n *node) split(at int) *node {
	lower := *n
	lower.label = n.label[at:]
	return &node{label: n.label[:at], first: lower.label[:1], kids: []*node{&lower}}
}

func (n *node) withKid(i int, kid *node) *node {
	changed := *n
	changed.kids = append([]*node(nil), n.kids...)
	changed.kids[i] = kid
	return &changed
}

// remove gives a copy of the tree without key, and whether it was there.
func (n *node) remove(key string) (*node, bool) {
	if key == "" {
		changed := *n
		changed.entry = nil
		return &changed, n.entry != nil
	}
	i, ok := n.find(key[0])
	if !ok || !strings.HasPrefix(key, n.kids[i].label) {
		return n, false
	}
	kid, ok := n.kids[i].remove(key[len(n.kids[i].label):])
	switch {
	case !ok:
		return n, false
	case kid.entry != nil || len(kid.kids) > 1:
		return n.withKid(i, kid), true
	case len(kid.kids) == 1: // a node that only passes on is joined with what follows
		joined := *kid.kids[0]
		joined.label = kid.label + joined.label
		return n.withKid(i, &joined), true
	}
	changed := *n
	changed.first = n.first[:i] + n.first[i+1:]
	changed.kids = append(append(make([]*node, 0, len(n.kids)-1), n.kids[:i]...), n.kids[i+1:]...)
	return &changed, true
}

// exact gives the route whose prefix is key, or nil.
func (n *node) exact(key string) *Entry {
	for key != "" {
		i, ok := n.find(key[0])
		if !ok || !strings.HasPrefix(key, n.kids[i].label) {
			return nil
		}
		n = n.kids[i]
		key = key[len(n.label):]
	}
	return n.entry
}

// longest gives the route with the longest prefix of a canonical path. Every key ends with "/", so a match is one of whole
// segments; a path may leave out the slash at the end of its prefix.
func longest[P string | []byte](n *node, path P) *Entry {
	if len(path) == 0 {
		return nil
	}
	open := path[len(path)-1] != '/' // a slash at the end may be thought
	best := n.entry
	for at := 0; ; {
		c := byte('/')
		switch {
		case at < len(path):
			c = path[at]
		case !open:
			return best
		}
		i, ok := n.find(c)
		if !ok {
			return best
		}
		n = n.kids[i]
		rest := len(path) - at
		if rest < len(n.label) {
			whole := open && rest+1 == len(n.label) && n.label[rest] == '/' && string(path[at:]) == n.label[:rest]
			if whole && n.entry != nil {
				return n.entry
			}
			return best
		}
		if string(path[at:at+len(n.label)]) != n.label {
			return best
		}
		at += len(n.label)
		if n.entry != nil {
			best = n.entry
		}
	}
}

// each calls f for every route, in the order of the canonical prefixes.
func (n *node) each(f func(*Entry)) {
	if n.entry != nil {
		f(n.entry)
	}
	for _, kid := range n.kids {
		kid.each(f)
	}
}

func commonLength(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
