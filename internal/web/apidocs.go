package web

// APIDocsPage lets people read what the REST API offers.
type APIDocsPage struct {
	Frame
	Document string // path of the OpenAPI document
	Server   string // path that every endpoint begins with
	Groups   []EndpointGroup
}

func (*APIDocsPage) template() string { return "api_docs" }

// EndpointGroup is what the API offers for one noun.
type EndpointGroup struct {
	Name      string
	Endpoints []Endpoint
}

// Endpoint is one method of one path.
type Endpoint struct {
	Method, Path, Summary string
	Scopes                []string // any one is enough
	Query                 []Argument
	Body                  string   // schema as indented JSON; empty: none is read
	Answers               []string // status and what it means
}

// Argument is a parameter of an address.
type Argument struct {
	Name        string
	Description string
}
