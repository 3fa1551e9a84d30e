// Package chromiumtest drives a headless Chromium in tests: a person at a
// browser, with a deadline for everything that the person waits for.
package chromiumtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"berdlhub/test/e2e/partstest"
)

// DefaultWait is how long a step may take unless Browser.Wait says otherwise.
const DefaultWait = 30 * time.Second

// pollEvery is the time between two looks at a page.
const pollEvery = 50 * time.Millisecond

// Browser is one Chromium with a profile of its own and one tab. Its methods
// fail the test when what they wait for does not come. Not for concurrent use.
type Browser struct {
	// Wait bounds each step; zero means DefaultWait.
	Wait time.Duration

	t   testing.TB
	ctx context.Context //nolint:containedctx // chromedp keeps the tab in its context
	log *pageLog
}

// New starts a Chromium that ends with the test. If Chromium is missing and
// cannot be installed, the test fails with the remedy.
func New(t testing.TB) *Browser {
	t.Helper()
	program := partstest.Chromium(t)
	profile := t.TempDir()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.UserDataDir(profile),
		chromedp.WindowSize(1280, 800),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("no-default-browser-check", true),
		chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("password-store", "basic"),
	}
	// The browser must outlive t.Context, which ends before the clean-ups run.
	alive := context.WithoutCancel(t.Context())
	allocator, stopAllocator := chromedp.NewExecAllocator(alive, options...)
	problems := &pageLog{}
	ctx, stopTab := chromedp.NewContext(allocator, chromedp.WithListener(problems.listen))
	t.Cleanup(func() {
		closing, done := context.WithTimeout(ctx, 10*time.Second)
		defer done()
		_ = chromedp.Cancel(closing)
		stopTab()
		stopAllocator()
	})
	b := &Browser{t: t, ctx: ctx, log: problems}
	// The first Run must not have a deadline: it would end the browser.
	if err := chromedp.Do(ctx, chromedp.Func(enableProblems)); err != nil {
		t.Fatalf("start Chromium %s: %v", program, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			b.wreck()
		}
	})
	return b
}

// NewTab opens another tab of the same browser, which shares its cookies. It is
// closed at the end of the test. Problems of its pages are its own.
func (b *Browser) NewTab() *Browser {
	b.t.Helper()
	return b.tab()
}

// TabOpenedBy takes the tab that a page opens while steps are done.
func (b *Browser) TabOpenedBy(steps func()) *Browser {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool { return info.Type == "page" })
	steps()
	select {
	case id := <-opened:
		return b.tab(chromedp.WithTargetID(id))
	case <-time.After(b.wait()):
		b.t.Fatalf("no tab was opened at %s within %s", b.address(), b.wait())
		return nil
	}
}

func (b *Browser) tab(options ...chromedp.ContextOption) *Browser {
	b.t.Helper()
	problems := &pageLog{}
	ctx, stopTab := chromedp.NewContext(b.ctx, append(options, chromedp.WithListener(problems.listen))...)
	b.t.Cleanup(stopTab)
	tab := &Browser{Wait: b.Wait, t: b.t, ctx: ctx, log: problems}
	if err := chromedp.Do(ctx, chromedp.Func(enableProblems)); err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
	return tab
}

// Navigate opens an address and waits until its page has loaded.
func (b *Browser) Navigate(address string) {
	b.t.Helper()
	if err := b.run(chromedp.Navigate(address)); err != nil {
		b.t.Fatalf("open %s: %v", address, err)
	}
}

// WaitVisible waits until an element is there and can be seen.
func (b *Browser) WaitVisible(selector string) {
	b.t.Helper()
	if err := b.run(chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("wait until %s can be seen at %s: %v", selector, b.address(), err)
	}
}

// Click waits until an element can be seen and clicks it.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	if err := b.run(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		b.t.Fatalf("click %s at %s: %v", selector, b.address(), err)
	}
}

// Type clicks an element and types a text into it, after what is in it already.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	if err := b.run(chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible)); err != nil {
		b.t.Fatalf("type into %s at %s: %v", selector, b.address(), err)
	}
}

// Press sends keys to whatever has the focus; the constants of chromedp's kb
// package name the special ones.
func (b *Browser) Press(keys string, options ...chromedp.KeyOption) {
	b.t.Helper()
	if err := b.run(chromedp.KeyEvent(keys, options...)); err != nil {
		b.t.Fatalf("press keys at %s: %v", b.address(), err)
	}
}

// Text waits until an element can be seen and returns the text that it shows.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	text, err := get(b, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
	if err != nil {
		b.t.Fatalf("read %s at %s: %v", selector, b.address(), err)
	}
	return text
}

// Eval runs JavaScript in the page, waits for a promise, and stores the value in
// result, which is nil or a pointer as for encoding/json.
func (b *Browser) Eval(script string, result any) {
	b.t.Helper()
	if err := b.eval(script, result); err != nil {
		b.t.Fatalf("run script at %s: %v\n%s", b.address(), err, script)
	}
}

// WaitFor runs a JavaScript expression until its value is true. Errors while the
// page changes count as not yet.
func (b *Browser) WaitFor(what, expression string) {
	b.t.Helper()
	var last error
	ok := b.poll(func() bool {
		var done bool
		last = b.eval("Boolean("+expression+")", &done)
		return last == nil && done
	})
	if !ok {
		b.t.Fatalf("wait until %s at %s: not within %s (last error: %v)", what, b.address(), b.wait(), last)
	}
}

// WaitURL waits until the page's address matches and returns it.
func (b *Browser) WaitURL(pattern *regexp.Regexp) string {
	b.t.Helper()
	var at string
	if !b.poll(func() bool { at = b.address(); return pattern.MatchString(at) }) {
		b.t.Fatalf("wait for an address like %s: still at %s after %s", pattern, at, b.wait())
	}
	return at
}

// URL returns the page's address.
func (b *Browser) URL() string {
	b.t.Helper()
	return b.address()
}

// Resize sets the size of the page in CSS pixels, for a phone's view say.
func (b *Browser) Resize(width, height int64) {
	b.t.Helper()
	if err := b.run(chromedp.EmulateViewport(width, height)); err != nil {
		b.t.Fatalf("resize to %d×%d: %v", width, height, err)
	}
}

// Screenshot saves what the tab shows as out/e2e/<name>.png and returns the path.
func (b *Browser) Screenshot(name string) string {
	b.t.Helper()
	path, err := b.screenshot(name)
	if err != nil {
		b.t.Fatalf("screenshot %s: %v", name, err)
	}
	return path
}

// Cookies returns all cookies of the browser, also those that scripts cannot read.
func (b *Browser) Cookies() []*network.Cookie {
	b.t.Helper()
	result, err := get(b, call(storage.GetCookies, storage.GetCookiesParams{}))
	if err != nil {
		b.t.Fatalf("read the cookies: %v", err)
	}
	return result.Cookies
}

// SetCookie sets a cookie for an address, http://127.0.0.1:8000/hub/ say.
func (b *Browser) SetCookie(address, name, value string) {
	b.t.Helper()
	if _, err := get(b, call(network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address})); err != nil {
		b.t.Fatalf("set cookie %s for %s: %v", name, address, err)
	}
}

// ClearCookies makes the browser a stranger to every site.
func (b *Browser) ClearCookies() {
	b.t.Helper()
	if _, err := get(b, call(storage.ClearCookies, storage.ClearCookiesParams{})); err != nil {
		b.t.Fatalf("clear the cookies: %v", err)
	}
}

func (b *Browser) wait() time.Duration {
	if b.Wait > 0 {
		return b.Wait
	}
	return DefaultWait
}

// run does steps without a value within the browser's wait.
func (b *Browser) run(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, b.wait())
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// get does one step with a value within the browser's wait.
func get[T any](b *Browser, step chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.wait())
	defer cancel()
	return chromedp.Run(ctx, step)
}

// call makes a step of a command of the DevTools protocol.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[R] {
	return func(ctx context.Context, t *chromedp.Target) (R, error) {
		return cdp.Call(ctx, t, command, params)
	}
}

// eval runs a script. Values cross as JSON text, so that undefined and null need
// no care.
func (b *Browser) eval(script string, result any) error {
	wrapped := "(async () => { const value = await (" + script + "); return value === undefined ? 'null' : JSON.stringify(value) })()"
	if result == nil {
		wrapped = "(async () => { await (" + script + "); return '' })()"
	}
	text, err := get(b, chromedp.Evaluate[string](wrapped, chromedp.EvalAwaitPromise))
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), result); err != nil {
		return fmt.Errorf("the script's value %s: %w", text, err)
	}
	return nil
}

// poll looks until the answer is yes or the browser's wait is over.
func (b *Browser) poll(look func() bool) bool {
	deadline := time.NewTimer(b.wait())
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if look() {
			return true
		}
		select {
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
}

// address returns the page's address, or the reason why there is none.
func (b *Browser) address() string {
	at, err := get(b, chromedp.Location())
	if err != nil {
		return fmt.Sprintf("(unknown address: %v)", err)
	}
	return at
}

func (b *Browser) screenshot(name string) (string, error) {
	png, err := get(b, chromedp.CaptureScreenshot())
	if err != nil {
		return "", err
	}
	path := filepath.Join(partstest.Root(b.t), "out", "e2e", name+".png")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, png, 0o644)
}

// wreck keeps what a failed test saw last.
func (b *Browser) wreck() {
	name := "failed-" + regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(b.t.Name(), "-")
	if path, err := b.screenshot(name); err == nil {
		b.t.Logf("the page at the end: %s, %s", b.address(), path)
	}
	for _, problem := range b.Problems() {
		b.t.Logf("the page said: %s", problem)
	}
}
