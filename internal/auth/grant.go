package auth

import (
	"context"
	"fmt"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
)

// This file holds what nobody can hand on: by no request does anybody come to more than he had, neither himself nor through
// somebody else, a group, a service or a name. The faces ask here before they give anything away.

// everything is what the role admin holds.
func (a *Auth) everything() scope.Set {
	for _, role := range scope.DefaultRoles() {
		if role.Name == scope.RoleAdmin {
			return scope.Expand(role.Scopes, scope.Owner{}, scope.Client{}, a.cfg.Custom)
		}
	}
	return scope.Set{}
}

// FullAdmin says that a principal is an administrator and acts with all that administrators may: a token of an administrator that
// was made for less is not. Only a full administrator makes and unmakes administrators, and renames users: a name is what the
// configuration, other people's filters and the sign-in service know somebody by.
func (a *Auth) FullAdmin(p *Principal) bool {
	admin := p != nil && (p.User != nil && p.User.Admin || p.Service != nil && p.Service.Admin)
	return admin && p.Scopes.Contains(a.everything(), p.members)
}

// MayGrant holds raw scopes, those of a role or of an OAuth client, against what the principal could do with them.
// Errors: Forbidden with what is too much. An administrator may grant everything.
func (a *Auth) MayGrant(p *Principal, raw []string) error {
	if a.FullAdmin(p) {
		return nil
	}
	owner := scope.Owner{}
	if p.User != nil {
		owner.User = p.User.Name
	} else {
		owner.Service = p.Service.Name
	}
	return refuseExcess(p.Scopes.Excess(scope.Expand(raw, owner, scope.Client{}, a.cfg.Custom), p.members))
}

func refuseExcess(excess []string) error {
	if len(excess) == 0 {
		return nil
	}
	return hub.Errorf(hub.Forbidden, "You cannot grant what you do not hold: %s", shortList(excess))
}

// shortList names some scopes for a message.
func shortList(scopes []string) string {
	const most = 5
	if len(scopes) > most {
		return strings.Join(scopes[:most], ", ") + fmt.Sprintf(" and %d more", len(scopes)-most)
	}
	return strings.Join(scopes, ", ")
}

// MayActFor says whether the principal may hold something in a user's name: a token of his, or what his sign-in service gave.
// That is so for oneself, for an administrator, and when the user holds nothing that the principal does not hold, apart from
// what every user holds. Errors: Forbidden.
func (a *Auth) MayActFor(ctx context.Context, p *Principal, u *hub.User) error {
	held, err := a.ScopesOf(ctx, u.ID)
	if err != nil {
		return err
	}
	return a.mayHoldFor(ctx, p, u, held)
}

func (a *Auth) mayHoldFor(ctx context.Context, p *Principal, u *hub.User, wanted scope.Set) error {
	if p.User != nil && p.User.ID == u.ID || a.FullAdmin(p) {
		return nil
	}
	common, err := a.db.RoleByName(ctx, scope.RoleUser)
	if err != nil {
		return fmt.Errorf("look up what every user holds: %w", err)
	}
	owner := scope.Owner{User: u.Name}
	own := scope.Union(p.Scopes, scope.Expand(common.Scopes, owner, scope.Client{}, a.cfg.Custom), scope.Identify(owner))
	return refuseExcess(own.Excess(wanted, p.members))
}

// MayAddTo says whether the principal may add users to a group, which may be about to be made. He must hold what the group's roles
// and shares give to each of them; and those to whom his own scopes reach through the group must be in his reach already, so that he
// cannot pull somebody into it. Errors: Forbidden.
func (a *Auth) MayAddTo(ctx context.Context, p *Principal, group string, users []*hub.User) error {
	if a.FullAdmin(p) {
		return nil
	}
	access, err := a.db.AccessOfGroup(ctx, group)
	if err != nil {
		return fmt.Errorf("look up what a group gives: %w", err)
	}
	through := p.through(group)
	for _, u := range users {
		if p.members.InGroup(u.Name, group) {
			continue
		}
		held, err := a.ScopesOf(ctx, u.ID)
		if err != nil {
			return err
		}
		given := scope.Expand(rawScopes(access), scope.Owner{User: u.Name}, scope.Client{}, a.cfg.Custom)
		if err := refuseExcess(scope.Union(p.Scopes, held).Excess(given, p.members)); err != nil {
			return err
		}
		for _, base := range through {
			if !p.Has(base, scope.OfUser(u.Name)) {
				return hub.Errorf(hub.Forbidden, "You cannot add %s to the group: you would hold %s for this user through it", u.Name, base)
			}
		}
	}
	return nil
}

// MayHoldGroup says whether the principal holds all that a group's roles and shares give to its members: who deletes such a group
// and makes it again would find them there after the next start. Errors: Forbidden.
func (a *Auth) MayHoldGroup(ctx context.Context, p *Principal, group string) error {
	access, err := a.db.AccessOfGroup(ctx, group)
	if err != nil {
		return fmt.Errorf("look up what a group gives: %w", err)
	}
	return a.MayGrant(p, rawScopes(access))
}

// through lists the scopes that the principal holds for the users of a group.
func (p *Principal) through(group string) []string {
	var bases []string
	for _, text := range p.Scopes.Strings() {
		s, err := scope.ParseScope(text)
		if err == nil && s.Kind == scope.KindGroup && s.Value == group && !aboutGroups(s.Base) {
			bases = append(bases, s.Base)
		}
	}
	return bases
}

// aboutGroups says that a scope is about groups themselves and not about their users.
func aboutGroups(base string) bool {
	return strings.Contains(base, "groups") && base != "read:users:groups" && !strings.HasPrefix(base, "custom:")
}

// MayRenameServer says whether the principal may give a server a new name: what he holds for a server of that name, he must hold
// for this one, so that he cannot move somebody's server into his reach. Errors: Forbidden.
func (a *Auth) MayRenameServer(p *Principal, from, to hub.ServerKey) error {
	for _, text := range p.Scopes.Strings() {
		s, err := scope.ParseScope(text)
		if err == nil && s.Kind == scope.KindServer && s.Value == to.Full() && !p.Has(s.Base, scope.OfServer(from.User, from.Server)) {
			return hub.Errorf(hub.Forbidden, "You cannot give a server this name: you would hold %s for it", s.Base)
		}
	}
	return nil
}
