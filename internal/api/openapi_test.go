package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"berdlhub/internal/api"
	"berdlhub/internal/app/apptest"
	"berdlhub/internal/auth"
	"berdlhub/internal/store"
)

// contract is the OpenAPI document, against which every answer of this package's tests is held.
type contract struct {
	paths    map[string]map[string]operation // by path and method
	compiler *jsonschema.Compiler
	mux      *http.ServeMux
	mu       sync.Mutex // guards compiler
}

type operation struct {
	Responses map[string]struct {
		Content map[string]json.RawMessage `json:"content"`
	} `json:"responses"`
}

var theContract = sync.OnceValues(readContract)

func readContract() (*contract, error) {
	db, err := store.Open(context.Background(), store.Config{URL: "sqlite://"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	who, err := auth.New(auth.Config{}, db, nil)
	if err != nil {
		return nil, err
	}
	rest := api.New(api.Config{BaseURL: "/"}, who, db, nil)
	text, err := rest.OpenAPI()
	if err != nil {
		return nil, err
	}
	var document struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	c := &contract{paths: document.Paths, compiler: jsonschema.NewCompiler(), mux: http.NewServeMux()}
	if err := c.compiler.AddResource("openapi.json", whole); err != nil {
		return nil, err
	}
	for _, route := range rest.Routes() {
		c.mux.Handle(route.Method+" "+"/hub/api"+route.Path, http.NotFoundHandler())
	}
	return c, nil
}

// hold says what of an answer is not in the document.
func (c *contract) hold(method, path string, a *apptest.Answer) error {
	r, err := http.NewRequest(method, "/hub/api"+path, nil)
	if err != nil {
		return nil //nolint:nilerr // a path that cannot be asked for by our own means is none of the document's
	}
	_, pattern := c.mux.Handler(r)
	verb, at, ok := strings.Cut(pattern, " ")
	if !ok || verb != method {
		return nil // not a route: 404, 405 and OPTIONS are the same everywhere
	}
	at = strings.TrimSuffix(strings.TrimPrefix(at, "/hub/api"), "{$}")
	if at == "" {
		at = "/"
	}
	status := strconv.Itoa(a.Status)
	response, ok := c.paths[at][strings.ToLower(method)].Responses[status]
	if !ok {
		return fmt.Errorf("%s %s: the document has no answer %s: %.300s", method, at, status, a.Body)
	}
	if len(response.Content["application/json"]) == 0 {
		if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") && a.Body != "" {
			return fmt.Errorf("%s %s: the document has no body for %s: %.300s", method, at, status, a.Body)
		}
		return nil
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	place := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%s/content/application~1json/schema", escape.Replace(at), strings.ToLower(method), status)
	c.mu.Lock()
	schema, err := c.compiler.Compile(place)
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, at, err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
	if err != nil {
		return fmt.Errorf("%s %s: %s is no JSON: %w", method, at, status, err)
	}
	if err := schema.Validate(body); err != nil {
		return fmt.Errorf("%s %s: %s is not as documented: %w\n%.600s", method, at, status, err, a.Body)
	}
	return nil
}

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	h := apptest.Start(t, apptest.Options{})
	a := h.Browser(t).Send(http.MethodGet, "/hub/api/openapi.json", "")
	var document struct {
		OpenAPI string                    `json:"openapi"`
		Servers []struct{ URL string }    `json:"servers"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(a.Body), &document); err != nil || a.Status != http.StatusOK {
		t.Fatalf("status %d, %v: %.300s", a.Status, err, a.Body)
	}
	if document.OpenAPI != "3.1.0" || document.Servers[0].URL != "/hub/api" || len(document.Paths) < 40 {
		t.Errorf("openapi %s at %v with %d paths", document.OpenAPI, document.Servers, len(document.Paths))
	}
}
