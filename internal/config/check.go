package config

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fits says whether a value has a type and a size that its trait takes; if not, it notes the fault.
func (s *settings) fits(owner *Class, t *Trait, option string, v value) bool {
	if v.data == nil {
		if t.nullable() {
			return true
		}
		s.fault(v.at, option, "is null; it must be "+expected(t), "leave it out to get the default "+t.Default)
		return false
	}
	if t.Status == Python {
		return true
	}
	if !slices.ContainsFunc(strings.Split(t.Type, " or "), func(kind string) bool { return hasType(kind, v) }) {
		s.fault(v.at, option, "is "+v.kind()+"; it must be "+expected(t), "the default is "+t.Default)
		return false
	}
	return s.inChoices(owner, t, option, v) && s.inRange(owner, t, option, v) && s.elements(t, option, v)
}

var byteSize = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?[KMGT]?$`)

// The type names of traits that take whole numbers, texts and lists.
var (
	kindsOfWhole = []string{"Int", "Float", "Any", "ByteSpecification"}
	kindsOfText  = []string{"Unicode", "URLPrefix", "EntryPointType", "Bytes", "Enum", "CaselessStrEnum", "Command", "Any"}
	kindsOfList  = []string{"List", "Set", "Command", "Tuple", "Any"}
)

func hasType(kind string, v value) bool {
	switch data := v.data.(type) {
	case bool:
		return kind == "Bool" || kind == "Any"
	case int64:
		return slices.Contains(kindsOfWhole, kind)
	case float64:
		if kind == "Int" {
			return data == math.Trunc(data) && math.Abs(data) < math.MaxInt32
		}
		return kind == "Float" || kind == "Any"
	case string:
		if kind == "ByteSpecification" {
			return byteSize.MatchString(data)
		}
		return slices.Contains(kindsOfText, kind)
	case []value:
		return slices.Contains(kindsOfList, kind)
	default:
		return kind == "Dict" || kind == "Any"
	}
}

// expected says in words what a trait takes.
func expected(t *Trait) string {
	words := map[string]string{
		"Unicode": "a text", "URLPrefix": "a path", "EntryPointType": "the name of a class", "Bytes": "hex digits", "Enum": "one of a few words",
		"CaselessStrEnum": "one of a few words", "Command": "a text or a list of texts", "Int": "a whole number", "Float": "a number",
		"Bool": "true or false", "List": "a list", "Set": "a list", "Tuple": "a list of two numbers", "Dict": "a map",
		"ByteSpecification": "a number of bytes, or a text such as 512M or 1.5G", "Any": "a value",
	}
	var out []string
	for kind := range strings.SplitSeq(t.Type, " or ") {
		if w := words[kind]; w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return strings.Join(out, " or ")
}

func (s *settings) inChoices(owner *Class, t *Trait, option string, v value) bool {
	allowed, ok := choices[owner.Name+"."+t.Name]
	if !ok {
		return true
	}
	text := fmt.Sprint(v.data)
	if slices.Contains(allowed, text) || (t.Name == "log_level" && slices.Contains(allowed, strings.ToUpper(text))) {
		return true
	}
	s.faults = append(s.faults, Fault{
		Place: v.at.String(), Option: option, Problem: "is " + strconv.Quote(clip(text)) + ", which is not one of its values",
		Near: nearest(text, allowed), Remedy: "take one of " + strings.Join(allowed, ", "),
	})
	return false
}

func (s *settings) inRange(owner *Class, t *Trait, option string, v value) bool {
	var n float64
	switch data := v.data.(type) {
	case int64:
		n = float64(data)
	case float64:
		n = data
	default:
		return true
	}
	if t.takes("ByteSpecification") {
		if n < 0 || n > 1<<60 {
			s.fault(v.at, option, "is not a possible number of bytes", "take 0 to 1024T")
			return false
		}
		return true
	}
	r := rangeOf(owner, t)
	if n >= r.low && n <= r.high {
		return true
	}
	s.fault(v.at, option, "is "+trimmed(n)+", which is out of range", "take "+trimmed(r.low)+" to "+trimmed(r.high))
	return false
}

func trimmed(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// textLists are the lists whose items must all be texts.
var textLists = map[string]bool{
	"admin_users": true, "allowed_users": true, "blocked_users": true, "extra_user_scopes": true, "args": true, "cmd": true, "env_keep": true,
	"oauth_client_allowed_scopes": true, "server_token_scopes": true, "template_paths": true, "trusted_downstream_ips": true,
	"approved_roles": true, "admin_roles": true, "keys": true,
}

// textMaps are the maps whose values must all be texts.
var textMaps = map[string]bool{"username_map": true, "service_tokens": true}

func (s *settings) elements(t *Trait, option string, v value) bool {
	ok := true
	switch data := v.data.(type) {
	case []value:
		for i, item := range data {
			if _, text := item.data.(string); !text && textLists[t.Name] {
				s.fault(item.at, fmt.Sprintf("%s[%d]", option, i), "is "+item.kind()+"; it must be a text", "put it in quotes")
				ok = false
			}
		}
	case []member:
		known := map[string]bool{}
		for _, m := range data {
			if known[m.key] && m.at.line > 0 {
				s.fault(m.at, option, "has an entry twice", "keep one of them")
				ok = false
			}
			known[m.key] = true
			if _, text := m.value.data.(string); !text && textMaps[t.Name] {
				s.fault(m.value.at, option, "has an entry that is "+m.value.kind()+"; it must be a text", "put it in quotes")
				ok = false
			}
		}
	}
	return ok
}

// clip shortens a text for a message.
func clip(text string) string {
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}

func empty(v value) bool {
	switch data := v.data.(type) {
	case []value:
		return len(data) == 0
	case []member:
		return len(data) == 0
	case string:
		return data == ""
	default:
		return false
	}
}

func equal(a, b value) bool { return reflect.DeepEqual(a.plain(), b.plain()) }
