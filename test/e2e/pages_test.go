//go:build e2e

package e2e_test

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"berdlhub/test/e2e/chromiumtest"
)

// TestPages opens every page of the gallery in the widths of a desktop and of a phone: nothing may be blocked, go wrong or
// make the page scroll sideways, and axe-core finds no serious fault.
func TestPages(t *testing.T) {
	dir := folder(t)
	p := run(t, dir, nil, program(t), "pages", "--port", "0")
	address := p.waitSaid(30*time.Second, regexp.MustCompile(`The pages are at (http://127\.0\.0\.1:\d+/)`))
	b := chromiumtest.New(t)
	b.Navigate(address)
	var names []string
	b.Eval(`[...document.querySelectorAll('a[href^="/pages/"]')].map(a => a.getAttribute("href").slice("/pages/".length))`, &names)
	if len(names) < 25 {
		t.Fatalf("the gallery has %d pages: %v", len(names), names)
	}
	for _, width := range []int64{1280, 390} {
		b.Resize(width, 844)
		for _, name := range names {
			b.ForgetProblems()
			b.Navigate(address + "pages/" + name)
			lookAtPage(t, b, name, width)
		}
	}
}

// lookAtPage judges the page that the browser has just opened.
func lookAtPage(t *testing.T, b *chromiumtest.Browser, name string, width int64) {
	t.Helper()
	b.WaitVisible("main h1")
	var page struct {
		Scroll, Client int64
		Language       string
		Title          string
		Nameless       []string
	}
	b.Eval(`{
		scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth,
		language: document.documentElement.lang, title: document.title,
		nameless: [...document.querySelectorAll("button, a, input:not([type=hidden]), select")].filter(e =>
			!(e.textContent.trim() || e.getAttribute("aria-label") || e.querySelector("img[alt]") || e.labels?.length)).map(e => e.outerHTML),
	}`, &page)
	if page.Scroll > page.Client {
		t.Errorf("%s at %d px scrolls sideways: it is %d px wide", name, width, page.Scroll)
	}
	if page.Language == "" || page.Title == "" {
		t.Errorf("%s has no language or no title: %+v", name, page)
	}
	if len(page.Nameless) > 0 {
		t.Errorf("%s has controls without a name: %v", name, page.Nameless)
	}
	// Chromium calls it an error that a page has an error's status.
	own := regexp.MustCompile(`^network error: Failed to load resource: the server responded with a status of [45]\d\d .*/pages/` + regexp.QuoteMeta(name) + `\)$`)
	for _, problem := range b.Problems() {
		if !own.MatchString(problem) {
			t.Errorf("%s at %d px: %s", name, width, problem)
		}
	}
	b.Screenshot(fmt.Sprintf("page-%s-%d", name, width))
	for _, fault := range b.SeriousFaults() {
		t.Errorf("%s at %d px: %s", name, width, fault)
	}
}
