package scope

import "slices"

// IdentifyRaw lists the raw scopes that every OAuth token of a user asks for: they let a client learn who signed in.
func IdentifyRaw() []string {
	return []string{"read:users:groups!user", "read:users:name!user"}
}

// Identify is the set of scopes with which a user or service can learn who it is itself.
func Identify(o Owner) Set {
	if o.Service != "" {
		return Set{grants: map[string]*grant{"read:services:name": only(byService, o.Service)}}
	}
	if o.User == "" {
		return Set{}
	}
	own := only(byUser, o.User)
	return Set{grants: map[string]*grant{"read:users:name": own, "read:users:groups": own}}
}

// AccessServer is the scope that lets one use a server; an empty server name is the default server.
func AccessServer(user, server string) string {
	return Scope{"access:servers", KindServer, user + "/" + server}.String()
}

// AccessService is the scope that lets one use a service.
func AccessService(name string) string {
	return Scope{"access:services", KindService, name}.String()
}

// Access is the scope that lets one use what stands behind the client; empty for the client "jupyterhub".
func (c Client) Access() string {
	switch {
	case c.IsServer && c.User != "":
		return AccessServer(c.User, c.Server)
	case c.Service != "":
		return AccessService(c.Service)
	}
	return ""
}

// TokenScopes is what a token allows at this moment, given its raw scopes and what its owner may do now: exactly the
// owner's scopes if it inherits; otherwise its own scopes, access to its client and the owner's identity, as far as
// the owner has them. The owner's set should hold the scopes of roles and shares, those of groups included.
func TokenScopes(raw []string, owner Set, o Owner, c Client, custom Custom, m Membership) Set {
	if slices.Contains(raw, Inherit) {
		return owner
	}
	own := Expand(raw, o, c, custom)
	if access := c.Access(); access != "" {
		own = Union(own, Parse([]string{access}))
	}
	return Intersect(Union(own, Identify(o)), owner, m)
}

// TokenExcess lists, sorted, what a new token with these raw scopes would allow beyond its owner; a token is only
// made if there is nothing. Inheriting is never too much. JupyterHub REST API: POST /users/{name}/tokens.
func TokenExcess(raw []string, owner Set, o Owner, c Client, custom Custom, m Membership) []string {
	asked := slices.DeleteFunc(slices.Clone(raw), func(s string) bool { return s == Inherit })
	return owner.Excess(Expand(asked, o, c, custom), m)
}

// Grant decides which of the raw scopes that an OAuth client asks for a user can give, held being the user's own raw
// scopes. What is held stays as it was written. Of a scope that is held in part, the held parts are granted in
// expanded form and the scope counts as refused too. Both lists are sorted.
func Grant(requested, held []string, o Owner, c Client, custom Custom, m Membership) (granted, refused []string) {
	have := Expand(held, o, c, custom)
	for _, raw := range requested {
		if slices.Contains(held, raw) {
			granted = append(granted, raw)
			continue
		}
		asked := Expand([]string{raw}, o, c, custom)
		got := Intersect(asked, have, m)
		if !asked.Empty() && got.Equal(asked) {
			granted = append(granted, raw)
			continue
		}
		granted = append(granted, got.Strings()...)
		refused = append(refused, raw)
	}
	return sortedUnique(granted), sortedUnique(refused)
}

func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
