// Package scope is the algebra of JupyterHub's permissions: it reads, expands, compares and describes scopes.
//
// A raw scope is what roles and tokens store, such as "admin:users", "servers!user=ada", "self" or
// "access:servers!server". [Expand] closes a list of raw scopes under their subscopes, replaces the placeholders and
// yields a [Set]. A request is judged with [Set.Check] or [Set.Has] alone. All functions are pure; whether a user is
// in a group is asked through [Membership].
//
// Whatever cannot be understood gives no permission: text that [Validate] would refuse is left out by [Expand] and
// [Parse], so that a scope which was removed from the configuration takes its power with it.
package scope
