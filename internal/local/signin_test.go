package local_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"berdlhub/internal/hub"
	"berdlhub/internal/local"
)

func form(t *testing.T, name, password string) *http.Request {
	t.Helper()
	body := url.Values{"username": {name}, "password": {password}}.Encode()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hub/login", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	const users, admins = "users' word", "the very long word of the admins, 32"
	shared, err := local.NewSharedPassword(users, admins, []string{" Root_Of_All "})
	if err != nil {
		t.Fatal(err)
	}
	onlyUsers, err := local.NewSharedPassword(users, "", []string{"boss"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		a              hub.Authenticator
		user, password string
		want           string // empty: refused
		admin          bool
	}{
		"dummy":                          {&local.Dummy{}, "ada", "", "ada", false},
		"dummy strips":                   {&local.Dummy{}, " Ada ", "x", "ada", false},
		"dummy without a name":           {&local.Dummy{}, " ", "x", "", false},
		"dummy with password":            {&local.Dummy{Password: "s"}, "ada", "s", "ada", false},
		"dummy with wrong password":      {&local.Dummy{Password: "s"}, "ada", "S", "", false},
		"dummy without the password":     {&local.Dummy{Password: "s"}, "ada", "", "", false},
		"null":                           {local.Null{}, "ada", "s", "", false},
		"shared":                         {shared, "ada", users, "ada", false},
		"shared, wrong":                  {shared, "ada", "x", "", false},
		"shared, admins' word":           {shared, "ada", admins, "", false},
		"shared, admin":                  {shared, "root_of_all", admins, "root_of_all", true},
		"shared, admin spelt otherwise":  {shared, "\tROOT_of_all", users, "", false},
		"shared, admin with users' word": {shared, "root_of_all", users, "", false},
		"no admin password":              {onlyUsers, "boss", "", "", false},
		"no admin password, users' word": {onlyUsers, "boss", users, "", false},
	} {
		id, err := tt.a.SignIn(t.Context(), form(t, tt.user, tt.password))
		if tt.want == "" {
			if hub.CodeOf(err) != hub.Unauthorized || id != nil {
				t.Errorf("%s: got %+v, %v", name, id, err)
			}
			continue
		}
		if err != nil || id.Name != tt.want || (id.Admin != nil && *id.Admin) != tt.admin {
			t.Errorf("%s: got %+v, %v", name, id, err)
			continue
		}
		if fresh, err := tt.a.Refresh(t.Context(), id); fresh != nil || err != nil {
			t.Errorf("%s: refresh gives %+v, %v", name, fresh, err)
		}
	}
	if _, err := shared.SignIn(t.Context(), form(t, "ada", "x")); hub.MessageOf(err) != "Invalid username or password" {
		t.Errorf("got %q", hub.MessageOf(err))
	}
}

func TestSharedPasswordSettings(t *testing.T) {
	t.Parallel()
	long := hub.Secret(strings.Repeat("x", 32))
	for _, tt := range []struct {
		user, admin hub.Secret
		text        string
	}{
		{"", "", "nobody"}, {"short", "", "user_password"}, {"", "not so long", "admin_password"}, {long, long, "differ"},
	} {
		if _, err := local.NewSharedPassword(tt.user, tt.admin, nil); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("got %v; want %q", err, tt.text)
		}
	}
}
