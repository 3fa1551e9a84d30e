package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"berdlhub/internal/web"
)

// This file writes the OpenAPI 3.1 document from the routes and from what openapi_routes.go says of each.

// about is what the document says of one route beside what the route itself tells.
type about struct {
	summary string
	query   []object       // parameters of the address
	body    object         // schema of the body; nil: none is read
	must    bool           // a body is needed
	answers map[int]object // schemas of the answers that are no errors; nil: an empty one
	errors  []int          // statuses of errors beside those that every route of its kind has
	stream  bool           // the answer is a stream of events
}

// OpenAPI gives the document as JSON. A route without a description, or a description without a route, is an error.
func (a *API) OpenAPI() ([]byte, error) {
	paths, described := map[string]object{}, maps.Clone(abouts)
	for _, route := range a.Routes() {
		if route.Path == "" {
			continue // the same as the path with a slash
		}
		key := route.Method + " " + route.Path
		d, ok := described[key]
		if !ok {
			return nil, fmt.Errorf("the route %s has no description", key)
		}
		delete(described, key)
		path := strings.TrimSuffix(route.Path, "{$}")
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(route.Method)] = operation(&route, path, d)
	}
	if len(described) > 0 {
		return nil, fmt.Errorf("nothing is at %v", slices.Sorted(maps.Keys(described)))
	}
	text, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "berdlhub REST API", "version": web.HubVersion,
			"description": "JupyterHub's REST API as berdlhub serves it. Times are UTC in ISO 8601.",
		},
		"servers":    []object{{"url": a.root}},
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": securitySchemes},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	return text, nil
}

var securitySchemes = object{
	"token":  object{"type": "apiKey", "in": "header", "name": "Authorization", "description": "The word token or bearer, a space, and an API token."},
	"cookie": object{"type": "apiKey", "in": "cookie", "name": "jupyterhub-hub-login", "description": "A browser's session; the header X-XSRFToken repeats the cookie _xsrf."},
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

func operation(route *Route, path string, d about) object {
	op := object{"summary": d.summary, "operationId": operationID(route), "tags": []string{strings.Split(strings.Trim(path, "/")+"/", "/")[0]}}
	if op["tags"].([]string)[0] == "" {
		op["tags"] = []string{"hub"}
	}
	parameters := slices.Clone(d.query)
	for _, m := range wildcard.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string", "minLength": 1}})
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if d.body != nil {
		op["requestBody"] = object{"required": d.must, "content": object{"application/json": object{"schema": d.body}}}
	}
	if !route.Open {
		op["security"] = []object{{"token": []string{}}, {"cookie": []string{}}}
	}
	if route.Scopes != nil {
		op["x-scopes"] = route.Scopes
		op["description"] = "Needs one of the scopes " + strings.Join(route.Scopes, ", ") + "."
	}
	op["responses"] = responses(route, path, d)
	return op
}

func operationID(route *Route) string {
	name := strings.NewReplacer("{$}", "default", "{", "", "}", "", "/", "_", "-", "_").Replace(strings.Trim(route.Path, "/"))
	return strings.ToLower(route.Method) + "_" + name
}

func responses(route *Route, path string, d about) object {
	out := object{}
	for status, schema := range d.answers {
		answer := object{"description": http.StatusText(status)}
		switch {
		case d.stream:
			answer["content"] = object{"text/event-stream": object{"schema": object{}}}
		case schema != nil:
			answer["content"] = object{"application/json": object{"schema": schema}}
		}
		out[strconv.Itoa(status)] = answer
	}
	statuses := append([]int{}, d.errors...)
	if !route.Open {
		statuses = append(statuses, http.StatusForbidden)
	}
	if strings.Contains(path, "{") {
		statuses = append(statuses, http.StatusNotFound)
	}
	if d.body != nil {
		statuses = append(statuses, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	}
	if len(d.query) > 0 {
		statuses = append(statuses, http.StatusBadRequest)
	}
	if route.Method == http.MethodGet && !d.stream && d.answers[http.StatusOK] != nil {
		out[strconv.Itoa(http.StatusNotModified)] = object{"description": "The tag of If-None-Match is still good"}
	}
	for _, status := range append(statuses, http.StatusServiceUnavailable) {
		out[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": object{"application/json": object{"schema": ref("Error")}}}
	}
	return out
}

// document serves the OpenAPI document to everybody: it tells nothing of this hub but where it is.
func (a *API) document(c *call) error {
	text, err := a.OpenAPI()
	if err != nil {
		return err
	}
	return web.RawJSON(c.w, http.StatusOK, text)
}
