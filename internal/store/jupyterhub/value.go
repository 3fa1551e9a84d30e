package jupyterhub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// row is one row by the names of its columns. Texts are nil for NULL and for a column that this schema does not have.
type row struct {
	table string
	texts map[string]*string
	bytes map[string][]byte
	fault func(Fault)
}

func (r *row) text(column string) string {
	if t := r.texts[column]; t != nil {
		return *t
	}
	return ""
}

func (r *row) null(column string) bool { return r.texts[column] == nil }

func (r *row) bad(column, problem string) {
	id, _ := strconv.ParseInt(r.text("id"), 10, 64) // a table without ids has 0
	r.fault(Fault{Table: r.table, Column: column, ID: id, Problem: problem})
}

func (r *row) id(column string) int64 {
	t := r.text(column)
	if t == "" {
		return 0
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		r.bad(column, "is no whole number")
	}
	return n
}

// yes reads a boolean: 0 or 1 in SQLite, true or false in PostgreSQL.
func (r *row) yes(column string) bool {
	switch r.text(column) {
	case "1", "true", "t":
		return true
	case "", "0", "false", "f":
		return false
	}
	r.bad(column, "is neither true nor false")
	return false
}

func (r *row) time(column string) time.Time {
	t := r.text(column)
	if t == "" {
		return time.Time{}
	}
	at, err := parseTime(t)
	if err != nil {
		r.bad(column, err.Error())
	}
	return at
}

func (r *row) json(column string) json.RawMessage {
	t := r.text(column)
	if t == "" || t == "null" {
		return nil
	}
	raw, err := parseJSON(t)
	if err != nil {
		r.bad(column, err.Error())
		return nil
	}
	return raw
}

// list reads a list of texts; anything else in it is a fault.
func (r *row) list(column string) []string {
	raw := r.json(column)
	if raw == nil {
		return nil
	}
	var all []string
	if err := json.Unmarshal(raw, &all); err != nil {
		r.bad(column, "is no list of texts")
		return nil
	}
	return all
}

// parseTime reads a naive UTC time as SQLite (2026-03-01 10:20:30.123456) and PostgreSQL (the same, as short as it can be) write it.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.RFC3339Nano, "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.Year() < 1970 || at.Year() > 9999 {
				break
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("is no date and time")
}

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 200

// parseJSON reads JSON as Python writes it, and gives it in compact form. Bytes, which JupyterHub marks with __jupyterhub_bytes__, become
// their text, or base64 when they are none. NaN and the infinities, which are no JSON, become null.
func parseJSON(text string) (json.RawMessage, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, errors.New("has characters that are not text")
	}
	decoder := json.NewDecoder(strings.NewReader(withoutNaN(text)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("is no JSON")
	}
	if decoder.More() {
		return nil, errors.New("has more than one JSON value")
	}
	plain, err := unmark(v, 0)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(plain); err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

const bytesMark = "__jupyterhub_bytes__"

func unmark(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("is nested too deeply")
	}
	switch v := v.(type) {
	case map[string]any:
		if v[bytesMark] == true {
			return unmarkBytes(v)
		}
		for key, inner := range v {
			plain, err := unmark(inner, depth+1)
			if err != nil {
				return nil, err
			}
			v[key] = plain
		}
	case []any:
		for i, inner := range v {
			plain, err := unmark(inner, depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = plain
		}
	case json.Number:
		if f, err := v.Float64(); err != nil || math.IsInf(f, 0) {
			return nil, errors.New("has a number that is too large")
		}
	}
	return v, nil
}

func unmarkBytes(v map[string]any) (any, error) {
	data, ok := v["data"].(string)
	if !ok {
		return nil, errors.New("has bytes without data")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
	if err != nil {
		return nil, errors.New("has bytes that are no base64")
	}
	if utf8.Valid(raw) && !bytes.ContainsRune(raw, 0) {
		return string(raw), nil
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// withoutNaN replaces Python's NaN, Infinity and -Infinity outside of strings.
func withoutNaN(text string) string {
	if !strings.Contains(text, "NaN") && !strings.Contains(text, "Infinity") {
		return text
	}
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		if inString {
			b.WriteByte(text[i])
			if text[i] == '\\' && i+1 < len(text) {
				i++
				b.WriteByte(text[i])
			} else if text[i] == '"' {
				inString = false
			}
			continue
		}
		rest := text[i:]
		if word := notANumber(rest); word != "" {
			b.WriteString("null")
			i += len(word) - 1
			continue
		}
		inString = text[i] == '"'
		b.WriteByte(text[i])
	}
	return b.String()
}

func notANumber(rest string) string {
	for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
		if strings.HasPrefix(rest, word) {
			return word
		}
	}
	return ""
}
