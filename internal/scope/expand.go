package scope

// Owner is the user or the service whose scopes are expanded. One of the names is set; both are empty for a share or
// where nobody owns the scopes, and then "self", "!user" and "!service" have no meaning.
type Owner struct {
	User    string
	Service string
}

// Client is what stands behind the OAuth client that a token was issued to: a server or a service. It is zero for
// JupyterHub's own client "jupyterhub", which plain API tokens belong to.
type Client struct {
	User     string // owner of the server
	Server   string // empty for the default server
	IsServer bool
	Service  string
}

// Expand makes a Set of raw scopes: it adds all subscopes, replaces "!user", "!service" and "!server" by the owner's
// and client's names, replaces "self", keeps "inherit" as it is and reduces the result. Scopes that cannot be
// resolved are left out: unknown names, bad filters, and placeholders without an owner or client to fill in.
//
// The roles of a group are expanded with the member as the owner.
func Expand(raw []string, o Owner, c Client, custom Custom) Set {
	e := expansion{grants: make(map[string]*grant, 2*len(raw)+len(selfClosure))}
	for _, text := range raw {
		s, f := split(text)
		if f != sound {
			continue
		}
		if s.Kind == "" && s.Base == Self {
			e.addSelf(o)
			continue
		}
		if s, ok := s.resolve(o, c); ok {
			e.add(s, custom)
		}
	}
	e.finish(custom)
	return Set{grants: e.grants}
}

// resolve fills in a placeholder. It is false if there is nothing to fill in.
func (s Scope) resolve(o Owner, c Client) (Scope, bool) {
	if s.Kind == "" || s.Value != "" {
		return s, true
	}
	switch s.Kind {
	case KindUser:
		s.Value = o.User
	case KindService:
		s.Value = o.Service
		if c.Service != "" {
			s.Value = c.Service
		}
	case KindServer:
		if c.IsServer && c.User != "" {
			s.Value = c.User + "/" + c.Server
		}
	}
	return s, s.Value != ""
}

// expansion is a Set under construction. Filters are first collected by the scope they were written with, so that
// the work grows with the number of filters and not with its square.
type expansion struct {
	grants   map[string]*grant
	filtered map[string]*grant
}

func (e *expansion) add(s Scope, custom Custom) {
	if s.Kind != "" {
		if e.filtered == nil {
			e.filtered = make(map[string]*grant)
		}
		collect(e.filtered, s)
		return
	}
	for _, base := range closure(s.Base, custom) {
		e.grants[base] = everywhere
	}
}

func (e *expansion) addSelf(o Owner) {
	if o.User == "" {
		return
	}
	own := only(byUser, o.User)
	for _, base := range selfClosure {
		e.grants[base] = merge(e.grants[base], own)
	}
}

func (e *expansion) finish(custom Custom) {
	for written, g := range e.filtered {
		g.settle()
		reader := g.withoutServers()
		for _, base := range closure(written, custom) {
			part := g
			if losesServerFilter(base) {
				part = reader
			}
			if part != nil {
				e.grants[base] = merge(e.grants[base], part)
			}
		}
	}
}
