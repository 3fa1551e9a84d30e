package pages

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"berdlhub/internal/web"
)

// document is what the page reads of an OpenAPI document.
type document struct {
	Servers []struct{ URL string }          `json:"servers"`
	Paths   map[string]map[string]operation `json:"paths"`
}

type operation struct {
	Summary    string   `json:"summary"`
	Tags       []string `json:"tags"`
	Scopes     []string `json:"x-scopes"`
	Parameters []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Description string `json:"description"`
	} `json:"responses"`
}

// apiDocs shows the REST API to people. It is made from the OpenAPI document and nothing else.
func (p *Pages) apiDocs(w http.ResponseWriter, r *http.Request) error {
	who, done, err := p.visitor(w, r)
	if done || err != nil {
		return err
	}
	text, err := p.cfg.APIDocument()
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Servers) == 0 {
		return fmt.Errorf("read the OpenAPI document: %w", err)
	}
	page := &web.APIDocsPage{Frame: p.Frame(w, r, who), Document: p.hub + "api/openapi.json", Server: doc.Servers[0].URL}
	groups := map[string][]web.Endpoint{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			if op, ok := doc.Paths[path][method]; ok {
				groups[op.Tags[0]] = append(groups[op.Tags[0]], endpoint(method, path, &op))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		page.Groups = append(page.Groups, web.EndpointGroup{Name: name, Endpoints: groups[name]})
	}
	return p.render.Render(w, r, http.StatusOK, page)
}

func endpoint(method, path string, op *operation) web.Endpoint {
	e := web.Endpoint{Method: strings.ToUpper(method), Path: path, Summary: op.Summary, Scopes: op.Scopes}
	for _, argument := range op.Parameters {
		if argument.In == "query" {
			e.Query = append(e.Query, web.Argument{Name: argument.Name, Description: argument.Description})
		}
	}
	if schema := op.RequestBody.Content["application/json"].Schema; schema != nil {
		var value any
		if json.Unmarshal(schema, &value) == nil {
			text, _ := json.MarshalIndent(value, "", "  ") // what was JSON can be JSON again
			e.Body = string(text)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		e.Answers = append(e.Answers, status+" "+op.Responses[status].Description)
	}
	return e
}
