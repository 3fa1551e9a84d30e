package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Route sends every path below Prefix to Target.
type Route struct {
	Prefix  string          // escaped path that begins and ends with "/", such as "/user/ada/"
	Target  string          // http://host:port without a path
	Data    json.RawMessage // carried for API clients; the proxy does not read it
	Cookies CookieRule      // which of the platform's cookies may reach the target
}

// CookieRule names the cookies of the platform that belong to one server. All others of the platform are kept from it.
type CookieRule struct {
	Own     []string // names of the server's own cookies, such as "jupyterhub-user-ada"; each also with "-oauth-state" and what follows
	Session string   // fingerprint of the owner's session: only that session's cookies pass; "": none does
}

func (c CookieRule) equal(o CookieRule) bool {
	return c.Session == o.Session && slices.Equal(c.Own, o.Own)
}

// Stamp says when a route was last used: when it was added, or when data passed.
type Stamp struct {
	Prefix string // as in the Route
	Last   time.Time
}

// ChangeKind says what became of a route.
type ChangeKind string

// What Replace may do to a route.
const (
	Added   ChangeKind = "added"
	Changed ChangeKind = "changed"
	Removed ChangeKind = "removed"
)

// Change is one difference that Replace made.
type Change struct {
	Prefix string
	Kind   ChangeKind
}

// Entry is a route in the table. It never changes; a changed route is a new Entry.
type Entry struct {
	route      Route
	key        string // the prefix in canonical form
	host       string // of the target
	cookiePath string // the prefix as the Path of a cookie
	live       *live
}

// Route gives the route. Its slices must not be modified.
func (e *Entry) Route() Route { return e.route }

// Last says when the route was last used.
func (e *Entry) Last() time.Time { return e.live.last() }

// Table maps path prefixes to targets. Lookup takes no lock; changes are made one at a time and cost the length of a prefix.
type Table struct {
	mu      sync.Mutex // held while the tree is changed
	root    atomic.Pointer[node]
	size    atomic.Int64
	sockets sockets
}

// NewTable gives a table without routes.
func NewTable() *Table {
	t := &Table{}
	t.root.Store(&node{})
	return t
}

// Set adds a route or replaces the one of the same prefix. A route that leads where it led before keeps its time of last use
// and its WebSockets; one that leads elsewhere counts as used now, and the WebSockets of the old target are closed. It
// returns an error, and changes nothing, when the prefix or the target cannot be used.
func (t *Table) Set(r Route) error {
	e, err := newEntry(r)
	if err != nil {
		return err
	}
	t.mu.Lock()
	root := t.root.Load()
	old := root.exact(e.key)
	e.live = inherit(old, e)
	t.root.Store(root.insert(e.key, e))
	if old == nil {
		t.size.Add(1)
	}
	t.mu.Unlock()
	if old != nil && old.live != e.live {
		t.sockets.retire(old.live)
	}
	return nil
}

// inherit gives what a new entry takes over from the one that it replaces.
func inherit(old, e *Entry) *live {
	if old != nil && old.host == e.host {
		return old.live
	}
	return newLive()
}

// Delete removes the route of a prefix, closes its WebSockets, and says whether it was there.
func (t *Table) Delete(prefix string) bool {
	t.mu.Lock()
	old := t.root.Load().exact(canonical(prefix))
	if old == nil {
		t.mu.Unlock()
		return false
	}
	root, _ := t.root.Load().remove(old.key)
	t.root.Store(root)
	t.size.Add(-1)
	t.mu.Unlock()
	t.sockets.retire(old.live)
	return true
}

// Replace makes the table hold exactly these routes and says what that changed, in the order of the prefixes. Routes that lead
// where they led before are treated as by Set. It returns an error, and changes nothing, when one of the routes cannot be used.
func (t *Table) Replace(routes []Route) ([]Change, error) {
	entries := make([]*Entry, 0, len(routes))
	for _, r := range routes {
		e, err := newEntry(r)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	t.mu.Lock()
	old, root := t.root.Load(), &node{}
	for _, e := range entries {
		e.live = inherit(old.exact(e.key), e)
		root = root.insert(e.key, e)
	}
	t.root.Store(root)
	changes, retired, size := compare(old, root)
	t.size.Store(size)
	t.mu.Unlock()
	for _, l := range retired {
		t.sockets.retire(l)
	}
	return changes, nil
}

// compare lists what differs between two trees, what is no longer used, and the number of routes of the new one.
func compare(old, now *node) (changes []Change, retired []*live, size int64) {
	old.each(func(e *Entry) {
		successor := now.exact(e.key)
		if successor == nil {
			changes = append(changes, Change{Prefix: e.route.Prefix, Kind: Removed})
		}
		if successor == nil || successor.live != e.live {
			retired = append(retired, e.live)
		}
	})
	now.each(func(e *Entry) {
		size++
		switch before := old.exact(e.key); {
		case before == nil:
			changes = append(changes, Change{Prefix: e.route.Prefix, Kind: Added})
		case !before.same(e):
			changes = append(changes, Change{Prefix: e.route.Prefix, Kind: Changed})
		}
	})
	slices.SortStableFunc(changes, func(a, b Change) int { return strings.Compare(a.Prefix, b.Prefix) })
	return changes, retired, size
}

func (e *Entry) same(o *Entry) bool {
	return e.host == o.host && bytes.Equal(e.route.Data, o.route.Data) && e.route.Cookies.equal(o.route.Cookies)
}

// Lookup gives the route with the longest prefix of an escaped path (without the query), by whole segments: "/user/ada/" takes
// "/user/ada" and "/user/ada/x" but not "/user/adam". Percent-encoded bytes count as what they stand for, except that %2F parts
// no segments. It takes no lock and allocates nothing.
func (t *Table) Lookup(escapedPath string) (*Entry, bool) {
	root := t.root.Load()
	var e *Entry
	if strings.IndexByte(escapedPath, '%') < 0 {
		e = longest(root, escapedPath)
	} else {
		var buf [maxPrefix + 2]byte
		e = longest(root, appendCanonical(buf[:0], escapedPath))
	}
	return e, e != nil
}

// Routes lists the routes in the order of their prefixes. Their slices must not be modified.
func (t *Table) Routes() []Route {
	routes := make([]Route, 0, t.size.Load())
	t.root.Load().each(func(e *Entry) { routes = append(routes, e.route) })
	return routes
}

// Activity says of each route when it was last used.
func (t *Table) Activity() []Stamp {
	stamps := make([]Stamp, 0, t.size.Load())
	t.root.Load().each(func(e *Entry) { stamps = append(stamps, Stamp{Prefix: e.route.Prefix, Last: e.Last()}) })
	return stamps
}

// Len is the number of routes.
func (t *Table) Len() int { return int(t.size.Load()) }

func newEntry(r Route) (*Entry, error) {
	if err := checkPrefix(r.Prefix); err != nil {
		return nil, fmt.Errorf("route %.200q: %w", r.Prefix, err)
	}
	host, err := targetHost(r.Target)
	if err != nil {
		return nil, fmt.Errorf("route %.200q: target %.200q: %w", r.Prefix, r.Target, err)
	}
	r.Data = bytes.Clone(r.Data)
	r.Cookies.Own = slices.Clone(r.Cookies.Own)
	return &Entry{
		route: r, key: canonical(r.Prefix), host: host,
		cookiePath: strings.ReplaceAll(r.Prefix, ";", "%3B"), // a bare ";" would end the attribute
	}, nil
}

func checkPrefix(prefix string) error {
	switch {
	case !strings.HasPrefix(prefix, "/") || !strings.HasSuffix(prefix, "/"):
		return errors.New(`the prefix must begin and end with "/"`)
	case strings.ContainsAny(prefix, "?#"):
		return errors.New("the prefix must be a path without query and fragment")
	case hasControl(prefix):
		return errors.New("the prefix must not hold control characters or spaces")
	case len(canonical(prefix)) >= maxPrefix:
		return fmt.Errorf("the prefix must be shorter than %d bytes", maxPrefix)
	}
	if _, err := url.PathUnescape(prefix); err != nil {
		return fmt.Errorf("the prefix must be percent-encoded: %w", err)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func targetHost(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", errors.New("it must be an address such as http://10.0.0.7:8888")
	}
	switch {
	case u.Scheme != "http":
		return "", errors.New("it must begin with http://")
	case u.Hostname() == "" || u.Opaque != "":
		return "", errors.New("it must name a host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", errors.New("it must be http://host:port without user, path, query and fragment")
	}
	return u.Host, nil
}
