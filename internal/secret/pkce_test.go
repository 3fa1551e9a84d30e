package secret_test

import (
	"testing"

	"berdlhub/internal/secret"
)

func TestCheckPKCE(t *testing.T) {
	const (
		verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // the example of RFC 7636
		challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	)
	for _, c := range []struct {
		challenge, method, verifier string
		want                        bool
	}{
		{challenge, "S256", verifier, true},
		{challenge, "S256", verifier + "x", false},
		{challenge, "S256", challenge, false},
		{challenge, "S256", "", false},
		{challenge + "=", "S256", verifier, false},
		{challenge, "s256", verifier, false},
		{challenge, "none", challenge, false},
		{verifier, "plain", verifier, true},
		{verifier, "", verifier, true},
		{verifier, "plain", challenge, false},
		{verifier, "plain", "", false},
		{"", "", "", true},
		{"", "S256", verifier, true},
	} {
		if got := secret.CheckPKCE(c.challenge, c.method, c.verifier); got != c.want {
			t.Errorf("CheckPKCE(%q, %q, %q) = %v", c.challenge, c.method, c.verifier, got)
		}
	}
	for _, c := range loadGolden(t).PKCE {
		if !c.Accepted || !secret.CheckPKCE(c.Challenge, "S256", c.Verifier) {
			t.Errorf("challenge %s", c.Challenge)
		}
	}
}
