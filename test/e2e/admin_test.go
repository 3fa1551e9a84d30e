//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"berdlhub/test/e2e/chromiumtest"
)

// manyUsers is how many users the administration must cope with, and quick how long its answers may take.
const (
	manyUsers = 10_000
	quick     = 200 * time.Millisecond
)

// TestAdmin is an administrator's day with 10,000 users in Chromium: look, search, find out why a start failed, give the
// administration away, read the log. Each page must come quickly, and axe-core must find no serious fault.
func TestAdmin(t *testing.T) {
	dir := folder(t)
	file := configure(t, dir, settings(t, dir, "hub6", classes{
		"JupyterHub":    {"redirect_to_server": false, "load_groups": map[string]any{"soil": map[string]any{"users": []string{"ada"}}}},
		"Authenticator": {"admin_users": []string{"root"}},
		"Spawner":       {"cmd": []string{"/bin/false"}, "args": []string{}},
	}))
	_, address := startHub(t, dir, file)
	addUsers(t, address, manyUsers)

	b := chromiumtest.New(t)
	b.Navigate(address + "hub/login?next=/hub/admin")
	b.Type("#username_input", "root")
	b.Type("#password_input", password)
	b.Click("#login_submit")
	b.WaitFor("the list of users is there", `document.readyState === "complete" && document.querySelector("#users")`)
	b.ForgetProblems()
	adminPage(t, b, address, "admin", "users")
	if total := b.Text(".pager p"); !strings.Contains(total, fmt.Sprint("of ", manyUsers+2)) {
		t.Errorf("the list counts %q", total)
	}

	b.Type("#q", "her-0999")
	b.Click("form.filter button")
	b.WaitURL(regexp.MustCompile(`q=her-0999`))
	b.WaitFor("the list is there", `document.readyState === "complete" && document.querySelector("#users")`)
	cameQuickly(t, b, "a search")
	if rows := b.Text("#users tbody"); strings.Count(rows, "researcher-0999") != 10 {
		t.Errorf("the search shows:\n%s", rows)
	}
	for path, name := range map[string]string{
		"admin?sort=-activity": "by activity", "admin?offset=9950": "last page", "admin?show=failed": "failed", "admin?show=inactive&q=r": "inactive",
	} {
		b.Navigate(address + "hub/" + path)
		cameQuickly(t, b, name)
	}
	startFails(t, b, address)
	for _, name := range []string{"servers", "groups", "roles", "services", "audit"} {
		adminPage(t, b, address, "admin/"+name, name)
	}
	adminPage(t, b, address, "admin/roles/user", "role")
	adminPage(t, b, address, "admin/groups/soil", "group")
	promotes(t, b, address)
}

// addUsers makes users through the API.
func addUsers(t *testing.T, address string, n int) {
	t.Helper()
	const most = 1000
	for first := 0; first < n; first += most {
		names := make([]string, 0, most)
		for i := range most {
			names = append(names, fmt.Sprintf("researcher-%05d", first+i))
		}
		body, err := json.Marshal(map[string]any{"usernames": names})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"hub/api/users", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "token "+serviceToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Fatalf("make users: status %d", res.StatusCode)
		}
	}
}

// adminPage opens a page and judges it, in the widths of a desktop and of a phone.
func adminPage(t *testing.T, b *chromiumtest.Browser, address, path, name string) {
	t.Helper()
	for _, width := range []int64{1280, 390} {
		b.Resize(width, 844)
		b.Navigate(address + "hub/" + path)
		cameQuickly(t, b, name)
		judge(t, b, fmt.Sprintf("admin-%s-%d", name, width))
	}
	b.Resize(1280, 844)
}

// judge looks at the page as it stands.
func judge(t *testing.T, b *chromiumtest.Browser, shot string) {
	t.Helper()
	b.Screenshot(shot)
	var sideways bool
	b.Eval(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &sideways)
	if sideways {
		t.Errorf("%s scrolls sideways", shot)
	}
	for _, fault := range b.SeriousFaults() {
		t.Errorf("%s: %s", shot, fault)
	}
	for _, problem := range b.Problems() {
		t.Errorf("%s: %s", shot, problem)
	}
}

// cameQuickly measures how long the hub took over the page that is shown, from the request sent to the last byte received,
// and when Chromium painted it first.
func cameQuickly(t *testing.T, b *chromiumtest.Browser, name string) {
	t.Helper()
	b.WaitFor("the page is painted", `performance.getEntriesByType("paint").length > 0 && performance.getEntriesByType("navigation")[0].loadEventEnd > 0`)
	var took struct{ Server, Paint float64 }
	b.Eval(`(() => { const n = performance.getEntriesByType("navigation")[0];
		return {server: n.responseEnd - n.requestStart, paint: performance.getEntriesByType("paint")[0].startTime} })()`, &took)
	t.Logf("%s: the hub took %.1f ms, first paint after %.0f ms", name, took.Server, took.Paint)
	if took.Server <= 0 || took.Server > float64(quick.Milliseconds()) {
		t.Errorf("%s: the hub took %.1f ms, at most %s is good", name, took.Server, quick)
	}
}

// startFails starts a server that cannot start, and reads why it failed.
func startFails(t *testing.T, b *chromiumtest.Browser, address string) {
	t.Helper()
	b.Navigate(address + "hub/admin?q=researcher-00042")
	b.Click(`button[aria-label="Start default server of researcher-00042"]`)
	b.WaitFor("the list is back", `document.readyState === "complete" && !document.querySelector("button[aria-label^=Start]")`)
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(b.Text("#users tbody"), "failed") {
		if time.Now().After(deadline) {
			t.Fatalf("the start does not fail: %s", b.Text("#users tbody"))
		}
		b.Navigate(address + "hub/admin?q=researcher-00042")
	}
	adminPage(t, b, address, "admin/users/researcher-00042", "user")
	if text := b.Text("main"); !strings.Contains(text, "Why the last starts failed") || !strings.Contains(text, "Started by root") {
		t.Errorf("the user's page does not tell why the start failed and who asked for it:\n%s", text)
	}
}

// promotes makes somebody an administrator with a confirmation, and finds that in the log.
func promotes(t *testing.T, b *chromiumtest.Browser, address string) {
	t.Helper()
	b.Navigate(address + "hub/admin/users/ada")
	b.Eval(`([...document.querySelectorAll("summary")].find(s => s.textContent.startsWith("Make an administrator")).click(), null)`, nil)
	b.Click(`form[action$="/admin"] button.danger`)
	b.WaitFor("ada is an administrator", `document.querySelector("h1 .badge")?.textContent === "admin"`)
	b.Navigate(address + "hub/admin/audit?action=user.admin&target=user/ada")
	if text := b.Text("main"); !strings.Contains(text, "user.admin") || !strings.Contains(text, "root") {
		t.Errorf("the audit log does not tell of it:\n%s", text)
	}
}
