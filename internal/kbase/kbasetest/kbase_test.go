package kbasetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/kbase/kbasetest"
)

func ask(t *testing.T, c *http.Client, method, address, token string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res, string(body)
}

func TestBrowserLogin(t *testing.T) {
	t.Parallel()
	k := kbasetest.Start(t, kbasetest.Config{Accounts: []kbasetest.Account{{Name: "ada", Display: `A <b> "L"`}}})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	next := `http://hub.example/hub/login?autologin=true&next=%2Fx"><script>`
	_, page := ask(t, c, http.MethodGet, k.Origin+"/login?nextRequest="+url.QueryEscape(next), "", nil)
	if !strings.Contains(page, `value="ada"`) || strings.Contains(page, "<script>") || strings.Contains(page, "<b>") {
		t.Errorf("page:\n%s", page)
	}
	res, _ := ask(t, c, http.MethodPost, k.Origin+"/login", "", url.Values{"user": {"ada"}, "nextRequest": {"http://hub.example/hub/login?a=b"}})
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "http://hub.example/hub/login?a=b" {
		t.Errorf("got %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	origin, err := url.Parse(k.Origin)
	if err != nil {
		t.Fatal(err)
	}
	cookies := jar.Cookies(origin)
	if len(cookies) != 2 {
		t.Fatalf("got cookies %v", cookies)
	}
	res, body := ask(t, c, http.MethodGet, k.AuthURL+"api/V2/token", cookies[0].Value, nil)
	var about struct{ User, MFA string }
	if err := json.Unmarshal([]byte(body), &about); err != nil || about.User != "ada" || about.MFA != "Used" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %d %s: %v", res.StatusCode, body, err)
	}
	ask(t, c, http.MethodGet, k.Origin+"/logout", "", nil)
	if left := jar.Cookies(origin); len(left) != 0 {
		t.Errorf("logout leaves %v", left)
	}
	if res, body := ask(t, c, http.MethodGet, k.AuthURL+"api/V2/me", cookies[0].Value, nil); res.StatusCode != 401 || !strings.Contains(body, "10020") {
		t.Errorf("after logout: %d %s", res.StatusCode, body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	k := kbasetest.Start(t, kbasetest.Config{})
	c := http.DefaultClient
	token := k.Login("ada")
	if token == "" || k.Login("nobody") != "" {
		t.Error("sessions only for those who exist")
	}
	for _, tt := range []struct {
		method, path, token string
		status              int
		text                string
	}{
		{http.MethodGet, "/api/V2/me", token, 200, `"user":"ada"`},
		{http.MethodGet, "/services/auth/api/V2/me", "Bearer " + token, 401, "10020"},
		{http.MethodGet, "/services/auth/api/V2/me", "", 400, "10010"},
		{http.MethodOptions, "/services/auth/api/V2/token", "", 204, ""},
		{http.MethodPost, "/services/auth/api/V2/token", token, 405, "error"},
		{http.MethodGet, "/elsewhere", "", 404, ""},
	} {
		if res, body := ask(t, c, tt.method, k.Origin+tt.path, tt.token, nil); res.StatusCode != tt.status || !strings.Contains(body, tt.text) {
			t.Errorf("%s %s: got %d %s; want %d %s", tt.method, tt.path, res.StatusCode, body, tt.status, tt.text)
		}
	}
	if res, _ := ask(t, c, http.MethodPost, k.Origin+"/login", "", url.Values{"user": {"nobody"}}); res.StatusCode != 400 {
		t.Errorf("unknown account: got %d", res.StatusCode)
	}
	res, body := ask(t, c, http.MethodPost, k.Origin+"/login", "", url.Values{"user": {"ada"}, "nextRequest": {"javascript:alert(1)"}})
	if res.StatusCode != 200 || !strings.Contains(body, "Signed in") {
		t.Errorf("strange nextRequest: got %d %s", res.StatusCode, body)
	}
}
