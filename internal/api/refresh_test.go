package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"berdlhub/internal/app/apptest"
	"berdlhub/internal/kbase"
	"berdlhub/internal/kbase/kbasetest"
)

// TestRefreshToken holds the three answers of BERDL's POST /hub/api/refresh-token.
func TestRefreshToken(t *testing.T) {
	t.Parallel()
	k := kbasetest.Start(t, kbasetest.Config{Accounts: kbasetest.Accounts()})
	h := apptest.StartKBase(t, k, apptest.Options{})
	b := h.Browser(t)
	token := k.Login("ada")
	b.SetCookie(kbase.SessionCookie, token)
	if a := b.Post("/hub/login", nil); a.Status != http.StatusFound {
		t.Fatalf("sign in: status %d\n%s", a.Status, a.Body)
	}
	refresh := func(status int, want map[string]any) {
		t.Helper()
		a := b.API(http.MethodPost, "/refresh-token", "")
		var got map[string]any
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != status {
			t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
		}
		if text, ok := got["expires"].(string); ok {
			at, err := time.Parse(time.RFC3339, text)
			seconds, _ := got["expires_in_seconds"].(float64)
			if left := time.Until(at).Seconds(); err != nil || left < seconds-5 || left > seconds+5 || seconds <= 0 {
				t.Errorf("it expires at %s, in %v s", text, seconds)
			}
			delete(got, "expires")
			delete(got, "expires_in_seconds")
		}
		if len(got) != len(want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for field, value := range want {
			if got[field] != value {
				t.Errorf("%s is %v, want %v", field, got[field], value)
			}
		}
	}
	refresh(200, map[string]any{"success": true, "message": "Token refreshed successfully"})
	k.Fail(kbasetest.Fault{Kind: kbasetest.Gateway})
	refresh(500, map[string]any{"status": 500.0, "message": "Internal server error refreshing token"})
	k.Heal()
	refresh(200, map[string]any{"success": true, "message": "Token refreshed successfully"})
	k.Revoke(token)
	refresh(200, map[string]any{"success": false, "error": "Token refresh failed - please log in again"})
}
