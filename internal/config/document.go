package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// syntaxError is a file that cannot be read at all.
type syntaxError struct {
	at      place
	problem string
}

// Error gives place and problem.
func (e *syntaxError) Error() string { return e.at.String() + ": " + e.problem }

// parseDocument reads JSON or YAML. JSON has a reader of its own, because YAML knows neither its surrogate pairs nor its long keys.
func parseDocument(data []byte, source string) (value, error) {
	if json.Valid(data) {
		return fromJSON(data, source)
	}
	if strings.HasSuffix(source, ".json") {
		return value{}, jsonProblem(data, source)
	}
	return fromYAML(data, source)
}

func jsonProblem(data []byte, source string) error {
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	at := place{source: source}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = newPositions(data, source).at(syntax.Offset - 1)
	}
	return &syntaxError{at, "is not JSON: " + err.Error()}
}

// positions turns offsets into lines and columns.
type positions struct {
	source string
	data   []byte
	last   int64 // offsets only grow, so counting goes on from here
	line   int
	start  int64 // offset of the current line
}

func newPositions(data []byte, source string) *positions {
	return &positions{source: source, data: data, line: 1}
}

func (p *positions) at(offset int64) place {
	for ; p.last < offset && p.last < int64(len(p.data)); p.last++ {
		if p.data[p.last] == '\n' {
			p.line, p.start = p.line+1, p.last+1
		}
	}
	return place{p.source, p.line, int(p.last-p.start) + 1}
}

// next gives the place of the next token.
func (p *positions) next(d *json.Decoder) place {
	offset := d.InputOffset()
	for offset < int64(len(p.data)) && strings.IndexByte(" \t\r\n,:", p.data[offset]) >= 0 {
		offset++
	}
	return p.at(offset)
}

type jsonReader struct {
	decoder *json.Decoder
	pos     *positions
	values  int
}

func fromJSON(data []byte, source string) (value, error) {
	if !json.Valid(data) {
		return value{}, jsonProblem(data, source)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	r := &jsonReader{decoder: d, pos: newPositions(data, source)}
	return r.read(0)
}

func (r *jsonReader) read(depth int) (value, error) {
	at := r.pos.next(r.decoder)
	token, err := r.decoder.Token()
	if err != nil {
		return value{}, &syntaxError{at, "is not JSON: " + err.Error()}
	}
	if err := tooMuch(at, depth, &r.values); err != nil {
		return value{}, err
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return r.list(at, depth)
		}
		return r.object(at, depth)
	case json.Number:
		return number(token.String(), at)
	default:
		return value{token, at}, nil
	}
}

func (r *jsonReader) list(at place, depth int) (value, error) {
	items := []value{}
	for r.decoder.More() {
		item, err := r.read(depth + 1)
		if err != nil {
			return value{}, err
		}
		items = append(items, item)
	}
	_, err := r.decoder.Token()
	return value{items, at}, err
}

func (r *jsonReader) object(at place, depth int) (value, error) {
	members := []member{}
	for r.decoder.More() {
		keyAt := r.pos.next(r.decoder)
		token, err := r.decoder.Token()
		if err != nil {
			return value{}, &syntaxError{keyAt, "is not JSON: " + err.Error()}
		}
		item, err := r.read(depth + 1)
		if err != nil {
			return value{}, err
		}
		key, _ := token.(string)
		members = append(members, member{key, keyAt, item})
	}
	_, err := r.decoder.Token()
	return value{members, at}, err
}

func number(text string, at place) (value, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return value{i, at}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return value{}, &syntaxError{at, "is a number that is too large"}
	}
	return value{f, at}, nil
}

func tooMuch(at place, depth int, values *int) error {
	*values++
	if depth > maxDepth {
		return &syntaxError{at, fmt.Sprintf("is nested deeper than %d levels", maxDepth)}
	}
	if *values > maxValues {
		return &syntaxError{at, fmt.Sprintf("has more than %d values", maxValues)}
	}
	return nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func fromYAML(data []byte, source string) (value, error) {
	var node, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&node); errors.Is(err, io.EOF) {
		return value{[]member{}, place{source, 1, 1}}, nil
	} else if err != nil {
		return value{}, yamlProblem(err, source)
	}
	if err := d.Decode(&more); err == nil {
		return value{}, &syntaxError{place{source, more.Line, more.Column}, "is a second YAML document; keep one"}
	} else if !errors.Is(err, io.EOF) {
		return value{}, yamlProblem(err, source)
	}
	r := &yamlReader{source: source}
	if len(node.Content) == 0 {
		return value{[]member{}, place{source, 1, 1}}, nil
	}
	return r.read(node.Content[0], 0)
}

func yamlProblem(err error, source string) error {
	at := place{source: source}
	found := yamlLine.FindStringSubmatch(err.Error())
	if len(found) == 2 && found[1] != "" {
		at.line, _ = strconv.Atoi(found[1])
		at.column = 1
	}
	return &syntaxError{at, "is neither JSON nor YAML: " + yamlLine.ReplaceAllString(err.Error(), "")}
}

type yamlReader struct {
	source string
	values int
}

func (r *yamlReader) read(n *yaml.Node, depth int) (value, error) {
	at := place{r.source, n.Line, n.Column}
	if err := tooMuch(at, depth, &r.values); err != nil {
		return value{}, err
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.read(n.Alias, depth+1)
	case yaml.SequenceNode:
		items := []value{}
		for _, child := range n.Content {
			item, err := r.read(child, depth+1)
			if err != nil {
				return value{}, err
			}
			items = append(items, item)
		}
		return value{items, at}, nil
	case yaml.MappingNode:
		return r.mapping(n, at, depth)
	default:
		return scalar(n, at)
	}
}

func (r *yamlReader) mapping(n *yaml.Node, at place, depth int) (value, error) {
	members := []member{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		keyAt := place{r.source, key.Line, key.Column}
		if key.Kind != yaml.ScalarNode {
			return value{}, &syntaxError{keyAt, "is a key that is not a text"}
		}
		if key.ShortTag() == "!!merge" {
			return value{}, &syntaxError{keyAt, "is a merge key (<<), which is not taken; write the entries out"}
		}
		item, err := r.read(n.Content[i+1], depth+1)
		if err != nil {
			return value{}, err
		}
		members = append(members, member{key.Value, keyAt, item})
	}
	return value{members, at}, nil
}

func scalar(n *yaml.Node, at place) (value, error) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return value{nil, at}, nil
	case "!!str", "!!timestamp":
		return value{n.Value, at}, nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return value{}, &syntaxError{at, "is neither true nor false"}
		}
		return value{b, at}, nil
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			return value{}, &syntaxError{at, "is not a whole number that fits in 64 bits"}
		}
		return value{i, at}, nil
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return value{}, &syntaxError{at, "is not a finite number"}
		}
		return value{f, at}, nil
	default:
		return value{}, &syntaxError{at, "has the YAML tag " + strings.TrimSpace(tag) + ", which is not taken; Python is never run"}
	}
}
