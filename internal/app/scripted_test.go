package app_test

import (
	"net/http"
	"testing"

	"berdlhub/internal/app/apptest"
)

// TestScriptsLearnNoXSRFToken fetches pages as a script of a user's server on the same origin would: whatever page it gets,
// there is no token in it that would let it change something.
func TestScriptsLearnNoXSRFToken(t *testing.T) {
	t.Parallel()
	ada := apptest.Start(t, apptest.Options{}).Browser(t).SignIn("ada")
	for _, path := range []string{"/hub/home", "/hub/token", "/hub/error/404", "/hub/nothing", "/hub/user/bob/", "/hub/mfa-required", "/hub/login"} {
		for _, mode := range []string{"cors", "same-origin"} {
			a := ada.Send(http.MethodGet, path, "", "Sec-Fetch-Mode", mode, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "empty")
			if token := apptest.XSRFOf(a.Body); token != "" {
				t.Errorf("%s fetched with mode %s holds a token", path, mode)
			}
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s fetched with mode %s sets %s", path, mode, a.Header.Get("Set-Cookie"))
			}
		}
	}
	if apptest.XSRFOf(ada.Get("/hub/home").Body) == "" {
		t.Error("a person who opens the page finds no token in its forms")
	}
}
