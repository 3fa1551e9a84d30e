package scope

import (
	"fmt"
	"strings"
)

// Kind is what a filter selects by, the word after the "!".
type Kind string

// The kinds of filters. The value of a server filter is "OWNER/NAME", that of a default server "OWNER/".
const (
	KindUser    Kind = "user"
	KindGroup   Kind = "group"
	KindServer  Kind = "server"
	KindService Kind = "service"
)

// kinds numbers the kinds in the order in which grants hold them.
var kinds = [...]Kind{KindGroup, KindServer, KindService, KindUser}

const (
	byGroup = iota
	byServer
	byService
	byUser
	kindCount
)

// index finds the number of a kind; false if there is no such kind.
func (k Kind) index() (int, bool) {
	switch k {
	case KindGroup:
		return byGroup, true
	case KindServer:
		return byServer, true
	case KindService:
		return byService, true
	case KindUser:
		return byUser, true
	}
	return 0, false
}

// Scope is one scope, taken apart. Kind is empty when there is no filter. A Kind without a Value is a placeholder
// ("!user", "!service", "!server") that Expand replaces.
type Scope struct {
	Base  string
	Kind  Kind
	Value string
}

// String writes the scope as roles and tokens store it.
func (s Scope) String() string {
	switch {
	case s.Kind == "":
		return s.Base
	case s.Value == "":
		return s.Base + "!" + string(s.Kind)
	}
	return s.Base + "!" + string(s.Kind) + "=" + s.Value
}

// InvalidError says why a scope cannot be used. Its text is the one of JupyterHub and may be shown to users.
type InvalidError struct {
	Scope string // as it was written
	text  string
}

// Error returns JupyterHub's text.
func (e *InvalidError) Error() string { return e.text }

// fault is why text is not a scope.
type fault int

const (
	sound fault = iota
	emptyName
	emptyFilter
	unknownFilter
)

// split takes a scope apart without looking up its name.
func split(raw string) (Scope, fault) {
	base, filter, filtered := strings.Cut(raw, "!")
	if base == "" {
		return Scope{}, emptyName
	}
	if !filtered {
		return Scope{Base: base}, sound
	}
	if filter == "" {
		return Scope{}, emptyFilter
	}
	word, value, hasValue := strings.Cut(filter, "=")
	kind := Kind(word)
	if _, ok := kind.index(); !ok || kind == KindGroup && !hasValue {
		return Scope{}, unknownFilter
	}
	if hasValue && value == "" {
		return Scope{}, emptyFilter
	}
	return Scope{Base: base, Kind: kind, Value: value}, sound
}

// ParseScope takes one scope apart. It does not look up whether the scope's name, or what the filter names, exists.
// The error is an *InvalidError.
func ParseScope(raw string) (Scope, error) {
	s, f := split(raw)
	if f != sound {
		return Scope{}, invalid(raw, "", f)
	}
	return s, nil
}

// Validate checks that every raw scope has a known name and a well-formed filter. The error is an *InvalidError for
// the first that does not. Whether the named user, group, server or service exists is not checked.
func Validate(raw []string, custom Custom) error {
	return ValidateFor("", raw, custom)
}

// ValidateFor is Validate, with "for WHO" in the text of the error as JupyterHub writes it ("role NAME", "token").
func ValidateFor(who string, raw []string, custom Custom) error {
	for _, text := range raw {
		base, _, _ := strings.Cut(text, "!")
		if base == "all" {
			return &InvalidError{Scope: text, text: "Draft scope 'all' is now called 'inherit'"}
		}
		if !Known(base, custom) {
			return invalid(text, who, emptyName)
		}
		if _, f := split(text); f != sound {
			return invalid(text, who, f)
		}
	}
	return nil
}

// invalid puts a fault into JupyterHub's words.
func invalid(raw, who string, f fault) *InvalidError {
	if who != "" {
		who = " for " + who
	}
	_, filter, _ := strings.Cut(raw, "!")
	text := fmt.Sprintf("Scope '%s'%s does not exist", raw, who)
	switch f {
	case emptyFilter:
		text = "Empty string is not a valid filter: " + raw
	case unknownFilter:
		text = fmt.Sprintf("Scope filter %s '!%s' in scope '%s'%s does not exist", filter, filter, raw, who)
	}
	return &InvalidError{Scope: raw, text: text}
}
