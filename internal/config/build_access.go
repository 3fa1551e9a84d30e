package config

import (
	"fmt"
	"regexp"
	"slices"
)

var (
	roleName        = regexp.MustCompile(`^[a-z][a-z0-9\-_~.]{1,253}[a-z0-9]$`)
	customScopeName = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_\-*:]+[a-z0-9_*]$`)
)

// buildAccess reads roles, groups, services and custom scopes, which are lists and maps with a form of their own.
func (s *settings) buildAccess(h *Hub) {
	const class = "JupyterHub"
	h.ExtraUserScopes = s.texts(class, "extra_user_scopes")
	h.Services = s.services()
	h.LoadRoles = s.roles(h.Services)
	h.LoadGroups = s.groups()
	h.CustomScopes = s.customScopes()
}

// record reads one object of a list or map, entry by entry.
type record struct {
	s      *settings
	option string
	value  value
	ok     bool
}

func (s *settings) record(option string, v value, known ...string) *record {
	r := &record{s, option, v, true}
	members, ok := v.data.([]member)
	if !ok {
		s.fault(v.at, option, "is "+v.kind()+"; it must be a map", "write {…} with "+known[0])
		r.ok = false
	}
	seen := map[string]bool{}
	for _, m := range members {
		if !slices.Contains(known, m.key) {
			s.faults = append(s.faults, Fault{Place: m.at.String(), Option: option + "." + clip(m.key), Problem: "is not a known entry", Near: nearest(m.key, known), Remedy: "drop it"})
		}
		if seen[m.key] {
			s.fault(m.at, option+"."+clip(m.key), "is set twice", "keep one of them")
		}
		seen[m.key] = true
	}
	return r
}

func (r *record) text(key string) string {
	v, ok := r.value.member(key)
	if !ok || v.data == nil {
		return ""
	}
	text, ok := v.data.(string)
	if !ok {
		r.s.fault(v.at, r.option+"."+key, "is "+v.kind()+"; it must be a text", "put it in quotes")
	}
	return text
}

func (r *record) flag(key string, unset bool) bool {
	v, ok := r.value.member(key)
	if !ok {
		return unset
	}
	b, ok := v.data.(bool)
	if !ok {
		r.s.fault(v.at, r.option+"."+key, "is "+v.kind()+"; it must be true or false", "write true or false")
	}
	return b
}

func (r *record) texts(key string) ([]string, bool) {
	v, ok := r.value.member(key)
	if !ok || v.data == nil {
		return nil, false
	}
	items, ok := v.data.([]value)
	if !ok {
		r.s.fault(v.at, r.option+"."+key, "is "+v.kind()+"; it must be a list", "write [\"…\"]")
		return nil, false
	}
	for i, item := range items {
		if _, ok := item.data.(string); !ok {
			r.s.fault(item.at, fmt.Sprintf("%s.%s[%d]", r.option, key, i), "is "+item.kind()+"; it must be a text", "put it in quotes")
		}
	}
	return texts(v), true
}

func (r *record) properties(key string) map[string]any {
	v, ok := r.value.member(key)
	if !ok || v.data == nil {
		return nil
	}
	out, ok := v.plain().(map[string]any)
	if !ok {
		r.s.fault(v.at, r.option+"."+key, "is "+v.kind()+"; it must be a map", "write {…}")
	}
	return out
}

func (s *settings) roles(services []Service) []Role {
	items, _ := s.setting("JupyterHub", "load_roles").value.data.([]value)
	var out []Role
	for i, item := range items {
		option := fmt.Sprintf("JupyterHub.load_roles[%d]", i)
		r := s.record(option, item, "name", "description", "scopes", "users", "groups", "services")
		if !r.ok {
			continue
		}
		role := Role{Name: r.text("name"), Description: r.text("description")}
		role.Scopes, role.SetScopes = r.texts("scopes")
		role.Users, role.HasUsers = r.texts("users")
		role.Groups, _ = r.texts("groups")
		role.Services, role.HasServices = r.texts("services")
		if !roleName.MatchString(role.Name) {
			s.fault(item.at, option+".name", "is not a name of a role", "take 3 to 255 lower-case letters, digits and -_~. that begin with a letter and end with a letter or digit")
		}
		if slices.ContainsFunc(out, func(other Role) bool { return other.Name == role.Name }) {
			s.fault(item.at, option, "defines the role "+clip(role.Name)+" a second time", "merge the two entries")
		}
		s.checkRole(option, item.at, role, services)
		out = append(out, role)
	}
	return out
}

func (s *settings) checkRole(option string, at place, role Role, services []Service) {
	known := make([]string, 0, len(services))
	for _, service := range services {
		known = append(known, service.Name)
	}
	for _, name := range role.Services {
		if !slices.Contains(known, name) {
			s.faults = append(s.faults, Fault{
				Place: at.String(), Option: option + ".services", Problem: "names the unknown service " + clip(name),
				Near: nearest(name, known), Remedy: "declare it in JupyterHub.services",
			})
		}
	}
	if role.Name == "admin" && (role.SetScopes || role.Description != "") {
		s.fault(at, option, "changes the role admin, of which only the members can be set", "drop scopes and description, or define a role of another name")
	}
	if len(role.Scopes) == 0 && !slices.Contains([]string{"user", "admin", "server", "token"}, role.Name) {
		s.warn(at, option, "has no scopes, so it permits nothing", "add scopes")
	}
}

func (s *settings) groups() []Group {
	members, _ := s.setting("JupyterHub", "load_groups").value.data.([]member)
	var out []Group
	for _, m := range members {
		option := "JupyterHub.load_groups." + clip(m.key)
		if m.key == "" {
			s.fault(m.at, option, "is a group without a name", "name it")
		}
		if list, ok := m.value.data.([]value); ok {
			r := record{s, "JupyterHub.load_groups", value{[]member{{m.key, m.at, value{list, m.value.at}}}, m.at}, true}
			users, _ := r.texts(m.key)
			out = append(out, Group{Name: m.key, Users: users})
			continue
		}
		r := s.record(option, m.value, "users", "properties")
		if r.ok {
			users, _ := r.texts("users")
			out = append(out, Group{Name: m.key, Users: users, Properties: r.properties("properties")})
		}
	}
	return out
}

func (s *settings) customScopes() map[string]CustomScope {
	members, _ := s.setting("JupyterHub", "custom_scopes").value.data.([]member)
	out := map[string]CustomScope{}
	for _, m := range members {
		option := "JupyterHub.custom_scopes." + clip(m.key)
		if !customScopeName.MatchString(m.key) {
			s.fault(m.at, option, "is not a name of a custom scope", "take custom: with lower-case letters, digits and _-*:")
		}
		r := s.record(option, m.value, "description", "subscopes")
		if !r.ok {
			continue
		}
		scope := CustomScope{Description: r.text("description")}
		scope.Subscopes, _ = r.texts("subscopes")
		if scope.Description == "" {
			s.fault(m.value.at, option, "has no description", "add one: it is shown when a client asks for the scope")
		}
		out[m.key] = scope
	}
	for _, m := range members {
		for _, name := range out[m.key].Subscopes {
			if _, ok := out[name]; !ok {
				s.fault(m.value.at, "JupyterHub.custom_scopes."+clip(m.key)+".subscopes", "names "+clip(name)+", which is not a custom scope", "define it in custom_scopes")
			}
		}
	}
	return out
}
