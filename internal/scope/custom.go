package scope

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// CustomScope is one scope of the option custom_scopes. The hub gives it no meaning of its own.
type CustomScope struct {
	Description string   // required; shown when a user is asked for consent
	Subscopes   []string // names of other custom scopes that come along
}

// Custom holds the custom scopes by name. It must not be changed once scopes have been expanded with it.
type Custom map[string]CustomScope

var customName = regexp.MustCompile(`^custom:[a-z0-9][a-z0-9_\-*:]+[a-z0-9_*]$`)

// Validate checks names, descriptions and subscopes, and that no scope contains itself. It reports the first fault
// in the order of the names.
func (c Custom) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if err := c.validate(name); err != nil {
			return fmt.Errorf("custom_scopes: %w", err)
		}
	}
	return nil
}

func (c Custom) validate(name string) error {
	if _, ok := closures[name]; ok {
		return fmt.Errorf("cannot redefine scope %q", name)
	}
	if !customName.MatchString(name) {
		return fmt.Errorf("invalid scope name %q: write custom:NAME with lower-case letters, digits and any of - _ : *, "+
			"beginning with a letter or digit and ending with a letter, digit, _ or *", name)
	}
	if c[name].Description == "" {
		return fmt.Errorf("scope %q has no description", name)
	}
	for _, sub := range c[name].Subscopes {
		if _, ok := c[sub]; ok {
			continue
		}
		if _, ok := closures[sub]; ok {
			return fmt.Errorf("scope %q: subscope %q is not a custom scope; give several scopes together by a role", name, sub)
		}
		return fmt.Errorf("scope %q: subscope %q is not defined", name, sub)
	}
	for _, sub := range c[name].Subscopes {
		if slices.Contains(c.closure(sub), name) {
			return fmt.Errorf("scope %q contains itself through its subscope %q", name, sub)
		}
	}
	return nil
}

// closure lists a custom scope and all custom scopes below it.
func (c Custom) closure(name string) []string {
	if len(c[name].Subscopes) == 0 {
		return []string{name}
	}
	return walk(name, func(n string) ([]string, bool) {
		s, ok := c[n]
		return s.Subscopes, ok
	})
}
