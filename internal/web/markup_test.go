package web_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"berdlhub/internal/web"
	"berdlhub/internal/web/webtest"

	"golang.org/x/net/html"
)

// walk visits every element of a page.
func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// inline lists what the content security policy would block in an element.
func inline(n *html.Node) []string {
	var found []string
	if n.Data == "style" {
		found = append(found, "style element")
	}
	if _, ok := attr(n, "src"); n.Data == "script" && (!ok || n.FirstChild != nil) {
		found = append(found, "inline script")
	}
	for _, a := range n.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || strings.HasPrefix(value, "javascript:") {
			found = append(found, "attribute "+a.Key+" of "+n.Data)
		}
	}
	return found
}

func TestInlineFindsWhatItShould(t *testing.T) {
	for _, page := range []string{
		"<style>a{}</style>", "<script>1</script>", `<p style="x">`, `<p onclick="x">`, `<a href=" JavaScript:x">`, `<script src="a">1</script>`,
	} {
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		walk(doc, func(e *html.Node) { n += len(inline(e)) })
		if n != 1 {
			t.Errorf("%s: found %d faults, want 1", page, n)
		}
	}
}

// TestTemplatesHaveNothingInline reads the templates themselves, so that branches without a fixture count too.
func TestTemplatesHaveNothingInline(t *testing.T) {
	dir := os.DirFS("templates")
	files, err := fs.Glob(dir, "*.html")
	if err != nil || len(files) < 14 {
		t.Fatalf("found templates %v, %v", files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		// Strict about raw text: a tokenizer sees what a parser would move about.
		z := html.NewTokenizer(strings.NewReader(string(text)))
		for z.Next() != html.ErrorToken {
			token := z.Token()
			if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
				continue
			}
			n := &html.Node{Type: html.ElementNode, Data: token.Data, Attr: token.Attr}
			for _, fault := range inline(n) {
				t.Errorf("%s: %s", file, fault)
			}
		}
	}
}

func TestPagesAreSafeAndUsable(t *testing.T) {
	v := newRenderer(t, web.Config{})
	for _, f := range webtest.Fixtures() {
		t.Run(f.Name, func(t *testing.T) {
			doc, err := html.Parse(strings.NewReader(rendered(t, v, f)))
			if err != nil {
				t.Fatal(err)
			}
			p := readPage(doc)
			walk(doc, func(n *html.Node) {
				for _, fault := range inline(n) {
					t.Error(fault)
				}
				p.check(t, n)
			})
			if p.count["h1"] != 1 || p.count["main"] != 1 {
				t.Errorf("%d headings h1 and %d main, want one each", p.count["h1"], p.count["main"])
			}
			for id, n := range p.ids {
				if n > 1 {
					t.Errorf("id %s is used %d times", id, n)
				}
			}
		})
	}
}

// page is what the checks of single elements need to know of the whole.
type page struct {
	ids    map[string]int
	labels map[string]bool
	count  map[string]int
}

func readPage(doc *html.Node) page {
	p := page{ids: map[string]int{}, labels: map[string]bool{}, count: map[string]int{}}
	walk(doc, func(n *html.Node) {
		p.count[n.Data]++
		if id, ok := attr(n, "id"); ok {
			p.ids[id]++
		}
		if id, ok := attr(n, "for"); ok && n.Data == "label" {
			p.labels[id] = true
		}
	})
	return p
}

// check looks at one element: labels, alternative texts, references, and the token of forms that change something.
func (p page) check(t *testing.T, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "input", "select", "textarea":
		kind, _ := attr(n, "type")
		if id, _ := attr(n, "id"); kind != "hidden" && !p.labels[id] && (n.Parent == nil || n.Parent.Data != "label") {
			t.Errorf("field %q has no label", id)
		}
	case "img":
		if alt, ok := attr(n, "alt"); !ok || alt == "" {
			t.Error("an image has no text")
		}
	case "form":
		role, _ := attr(n, "role")
		switch method, _ := attr(n, "method"); {
		case role == "search" && (method != "get" || hasXSRF(n)):
			t.Error("a search is not sent by GET, or puts _xsrf into the address")
		case role != "search" && (method != "post" || !hasXSRF(n)):
			t.Error("a form is not sent by POST with _xsrf")
		}
	case "script":
		if src, _ := attr(n, "src"); !strings.HasPrefix(src, "/hub/static/js/") {
			t.Errorf("script from %q", src)
		}
	}
	for _, name := range []string{"aria-labelledby", "aria-describedby", "for"} {
		if id, ok := attr(n, name); ok && p.ids[id] == 0 {
			t.Errorf("%s of %s names %q, which is not there", name, n.Data, id)
		}
	}
}

func hasXSRF(form *html.Node) bool {
	found := false
	walk(form, func(n *html.Node) {
		name, _ := attr(n, "name")
		value, _ := attr(n, "value")
		found = found || name == "_xsrf" && value != ""
	})
	return found
}
