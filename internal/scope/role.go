package scope

import (
	"fmt"
	"regexp"
)

// Role is a named list of raw scopes.
type Role struct {
	Name        string
	Description string
	Scopes      []string
}

// The default roles, which cannot be deleted. RoleAdmin cannot be redefined either.
const (
	RoleUser   = "user"
	RoleAdmin  = "admin"
	RoleServer = "server"
	RoleToken  = "token"
)

// DefaultRoles are the roles that exist without any configuration. The caller may change what it gets.
func DefaultRoles() []Role {
	return []Role{
		{RoleUser, "What every user may do", []string{Self}},
		{RoleAdmin, "What administrators may do: everything", []string{
			"admin-ui", "admin:users", "admin:servers", "admin:services", "tokens", "admin:groups", "list:services",
			"read:services", "read:hub", "proxy", "shutdown", "access:services", "access:servers", "read:roles",
			"read:metrics", "shares",
		}},
		{RoleServer, "What a server may do: report activity and let visitors in", []string{
			"users:activity!user", "access:servers!server",
		}},
		{RoleToken, "What a token may do: the same as its owner", []string{Inherit}},
	}
}

var roleName = regexp.MustCompile(`^[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]$`)

// ValidateRoleName checks the name of a role: 3 to 255 characters.
func ValidateRoleName(name string) error {
	if roleName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("invalid role name %q: write 3 to 255 lower-case letters, digits and any of - _ ~ ., "+
		"beginning with a letter and ending with a letter or digit", name)
}
