package chromiumtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pageLog collects what goes wrong in a page. Chromium's listener fills it.
type pageLog struct {
	mu       sync.Mutex
	problems []string
}

// enableProblems asks Chromium for the events that listen takes.
func enableProblems(ctx context.Context, t *chromedp.Target) error {
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{runtime.Enable, log.Enable, audits.Enable} {
		if _, err := cdp.Call(ctx, t, enable, cdp.Empty{}); err != nil {
			return fmt.Errorf("%s: %w", enable.Method, err)
		}
	}
	return nil
}

// listen takes uncaught errors, console.error, failed loads and violations of
// the Content-Security-Policy.
func (l *pageLog) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		l.add("uncaught error: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		var words []string
		for _, arg := range e.Args {
			words = append(words, strings.Trim(string(arg.Value)+arg.Description, `"`))
		}
		l.add("console error: " + strings.Join(words, " "))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			l.add(fmt.Sprintf("%s error: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *audits.EventIssueAdded:
		if d := e.Issue.Details; d != nil && d.ContentSecurityPolicyIssueDetails != nil {
			csp := d.ContentSecurityPolicyIssueDetails
			l.add(fmt.Sprintf("content security policy: %s blocked %s", csp.ViolatedDirective, csp.BlockedURL))
		}
	}
}

func (l *pageLog) add(problem string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, problem)
}

// Problems returns what went wrong in the pages so far: uncaught errors,
// console.error, failed loads and violations of the Content-Security-Policy.
func (b *Browser) Problems() []string {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	return slices.Clone(b.log.problems)
}

// ForgetProblems empties the list of problems, before a step that may not have any.
func (b *Browser) ForgetProblems() {
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.log.problems = nil
}

// NoProblems fails the test if anything went wrong in the pages so far, save for
// what one of the patterns matches.
func (b *Browser) NoProblems(except ...*regexp.Regexp) {
	b.t.Helper()
	for _, problem := range b.Problems() {
		if !slices.ContainsFunc(except, func(p *regexp.Regexp) bool { return p.MatchString(problem) }) {
			b.t.Errorf("the page has a problem: %s", problem)
		}
	}
}
