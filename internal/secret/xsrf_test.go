package secret_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"berdlhub/internal/secret"
)

func TestXSRFTokensAreJupyterHubs(t *testing.T) {
	g := loadGolden(t)
	s := g.secret(t)
	for _, c := range g.XSRF {
		if got := s.XSRFToken([]byte(c.ID), g.now()); got != c.Token {
			t.Errorf("XSRFToken(%q) = %s, want %s", c.ID, got, c.Token)
		}
		if id, err := s.OpenXSRF(c.Token, g.now()); err != nil || string(id) != c.ID {
			t.Errorf("OpenXSRF = %q, %v; want %q", id, err, c.ID)
		}
	}
	month := 31 * 24 * time.Hour
	if _, err := s.OpenXSRF(g.XSRF[0].Token, g.now().Add(month)); err != nil {
		t.Errorf("after 31 days: %v", err)
	}
	if _, err := s.OpenXSRF(g.XSRF[0].Token, g.now().Add(month+time.Second)); !errors.Is(err, secret.ErrExpired) {
		t.Errorf("after more than 31 days: %v, want ErrExpired", err)
	}
}

func TestXSRFIDs(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Anonymous {
		if got := string(secret.AnonymousXSRFID(c.Session, c.IP, c.Headers)); got != c.ID {
			t.Errorf("AnonymousXSRFID(%q, %q, %q) = %q, want %q", c.Session, c.IP, c.Headers, got, c.ID)
		}
	}
	if got := string(secret.XSRFID("session", "cookie")); got != "session:cookie" {
		t.Errorf("XSRFID = %q", got)
	}
	a := secret.AnonymousXSRFID("", "192.0.2.7", []string{"ab", "c"})
	b := secret.AnonymousXSRFID("", "192.0.2.7", []string{"a", "bc"})
	if string(a) == string(b) {
		t.Error("headers run into each other")
	}
}

func TestOpenXSRFRefuses(t *testing.T) {
	g := loadGolden(t)
	s := g.secret(t)
	login := s.Sign("jupyterhub-hub-login", []byte("session:cookie"), g.now())
	xsrf := s.Sign("_xsrf", []byte("session:cookie"), g.now())
	for name, token := range map[string]string{
		"empty":        "",
		"bare":         xsrf,
		"login cookie": base64.RawURLEncoding.EncodeToString([]byte(login)),
		"quoted":       base64.RawURLEncoding.EncodeToString([]byte(`"` + xsrf + `"`)),
		"padded":       base64.URLEncoding.EncodeToString([]byte(xsrf)) + "=",
		"line break":   g.XSRF[0].Token + "\n",
		"cut":          g.XSRF[0].Token[1:],
	} {
		if id, err := s.OpenXSRF(token, g.now()); !errors.Is(err, secret.ErrForged) || id != nil {
			t.Errorf("%s: OpenXSRF = %q, %v; want ErrForged", name, id, err)
		}
	}
}

// FuzzOpenXSRF plays somebody without the secret: no text but the tokens opens, and each has one form only.
func FuzzOpenXSRF(f *testing.F) {
	g := loadGolden(f)
	genuine := map[string]bool{}
	for _, c := range g.XSRF {
		genuine[c.Token] = true
		f.Add(c.Token)
		f.Add(c.Token + "=")
		f.Add(c.Token + "\n")
		f.Add(c.Token[:len(c.Token)-1] + "B")
	}
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(g.Signed[0].Signed)))
	s := g.secret(f)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := s.OpenXSRF(token, g.now()); (err == nil) != genuine[token] {
			t.Errorf("OpenXSRF(%q): %v", token, err)
		}
	})
}
