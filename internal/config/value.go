package config

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// place is where a value was written.
type place struct {
	source       string // path of the file, "environment NAME" or "command line --flag"
	line, column int    // from 1; 0 outside files
}

// String gives file:line:column or the source.
func (p place) String() string {
	if p.line == 0 {
		return p.source
	}
	return p.source + ":" + strconv.Itoa(p.line) + ":" + strconv.Itoa(p.column)
}

// value is a configured value and where it was written.
type value struct {
	data any // nil, bool, int64, float64, string, []value or []member
	at   place
}

// member is one entry of a map. The order is that of the file.
type member struct {
	key   string
	at    place
	value value
}

// plain gives the value as encoding/json would decode it, except that whole numbers are int64.
func (v value) plain() any {
	switch data := v.data.(type) {
	case []value:
		out := make([]any, 0, len(data))
		for _, item := range data {
			out = append(out, item.plain())
		}
		return out
	case []member:
		out := make(map[string]any, len(data))
		for _, m := range data {
			out[m.key] = m.value.plain()
		}
		return out
	default:
		return data
	}
}

// member gives the entry of a map under a key.
func (v value) member(key string) (value, bool) {
	members, _ := v.data.([]member)
	for _, m := range members {
		if m.key == key {
			return m.value, true
		}
	}
	return value{}, false
}

// kind names the type of a value for people.
func (v value) kind() string {
	switch v.data.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case string:
		return "a text"
	case []value:
		return "a list"
	default:
		return "a map"
	}
}

// limits of a document. A configuration is far below them; they keep hostile input from using up memory.
const (
	maxDepth  = 100
	maxValues = 200_000
)

// fromText makes the value of a trait from the text of the command line: JSON, else what the type of the trait makes of the text.
func fromText(t *Trait, text string, at place) value {
	switch {
	case t.nullable() && (text == "null" || text == "None"):
		return value{nil, at}
	case textOnly(t):
		return value{unquote(text), at}
	case t.takes("Bool"):
		if b, err := strconv.ParseBool(strings.ToLower(text)); err == nil {
			return value{b, at}
		}
	case strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{"):
	case t.takesList():
		return value{[]value{{unquote(text), at}}, at}
	case t.takes("Dict"):
		if key, val, ok := strings.Cut(text, "="); ok {
			return value{[]member{{key, at, value{unquote(val), at}}}, at}
		}
	}
	if v, err := fromJSON([]byte(text), at.source); err == nil {
		return atOnePlace(v, at)
	}
	return value{text, at}
}

// textOnly says whether every value of a trait is a text.
func textOnly(t *Trait) bool {
	for alternative := range strings.SplitSeq(t.Type, " or ") {
		switch alternative {
		case "Unicode", "URLPrefix", "EntryPointType", "Bytes", "Enum", "CaselessStrEnum", "Callable":
		default:
			return false
		}
	}
	return true
}

func unquote(text string) string {
	var s string
	if strings.HasPrefix(text, `"`) && json.Unmarshal([]byte(text), &s) == nil {
		return s
	}
	return text
}

// atOnePlace replaces the places inside a value, which count lines of a text that nobody wrote in a file.
func atOnePlace(v value, at place) value {
	v.at = at
	switch data := v.data.(type) {
	case []value:
		for i := range data {
			data[i] = atOnePlace(data[i], at)
		}
	case []member:
		for i := range data {
			data[i].at, data[i].value = at, atOnePlace(data[i].value, at)
		}
	}
	return v
}

// mustJSON reads the default of a trait; a default that is not JSON is a fault of the table, which a test finds.
func mustJSON(text string) value {
	v, err := fromJSON([]byte(text), "default")
	if err != nil {
		panic(fmt.Sprintf("default %s: %v", text, err))
	}
	return atOnePlace(v, place{source: "default"})
}
