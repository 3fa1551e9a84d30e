package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
)

// Limits of what people may write, in characters.
const (
	maxName = 255
	maxNote = 1023
)

// stamp is a time as the database keeps it: microseconds since 1970 in UTC, 0 for the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// stampTo reads a time.
type stampTo struct{ to *time.Time }

func (s stampTo) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", src)
	}
	*s.to = time.Time{}
	if n != 0 {
		*s.to = time.UnixMicro(n).UTC()
	}
	return nil
}

// jsonText is JSON as the database keeps it: text, or nothing.
func jsonText(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

// jsonTo reads JSON; nothing becomes nil.
type jsonTo struct{ to *json.RawMessage }

func (j jsonTo) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j.to = nil
	case string:
		*j.to = json.RawMessage(v)
	case []byte:
		*j.to = json.RawMessage(strings.Clone(string(v)))
	default:
		return fmt.Errorf("JSON is stored as %T", src)
	}
	return nil
}

// listText is a list of texts as the database keeps it.
func listText(all []string) string {
	if len(all) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(all) // a list of strings always has a JSON form
	return string(b)
}

// listTo reads a list of texts.
type listTo struct{ to *[]string }

func (l listTo) Scan(src any) error {
	var raw json.RawMessage
	if err := (jsonTo{&raw}).Scan(src); err != nil {
		return err
	}
	*l.to = nil
	if raw == nil || string(raw) == "[]" {
		return nil
	}
	return json.Unmarshal(raw, l.to)
}

// idOrNull is a reference to a row, or none for 0.
func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// idTo reads a reference to a row; none becomes 0.
type idTo struct{ to *int64 }

func (i idTo) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i.to = 0
	case int64:
		*i.to = v
	default:
		return fmt.Errorf("an id is stored as %T", src)
	}
	return nil
}

// bounded refuses text that a person wrote and that is too long.
func bounded(what, s string, limit int) error {
	if utf8.RuneCountInString(s) > limit {
		return hub.Errorf(hub.Invalid, "The %s is too long: at most %d characters.", what, limit)
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return hub.Errorf(hub.Invalid, "The %s has characters that are not text.", what)
	}
	return nil
}

// name refuses what cannot be a name.
func name(what, s string) error {
	if s == "" {
		return hub.Errorf(hub.Invalid, "The %s is empty.", what)
	}
	return bounded(what, s, maxName)
}

// cut shortens text that a program wrote.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// marks writes n placeholders from $first on, for an IN list.
func marks(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// anys makes arguments of values.
func anys[T any](all []T) []any {
	args := make([]any, len(all))
	for i, v := range all {
		args[i] = v
	}
	return args
}
