package secret_test

import (
	"testing"
	"time"

	"berdlhub/internal/secret"
)

func TestDerive(t *testing.T) {
	t.Parallel()
	one, err := secret.ParseCookieSecret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	other, err := secret.ParseCookieSecret("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	token := one.Derive("server token", "run1")
	if !secret.ValidTokenLength(token) || token != one.Derive("server token", "run1") {
		t.Errorf("Derive = %q; want the same valid token each time", token)
	}
	for name, got := range map[string]string{
		"another run":     one.Derive("server token", "run2"),
		"another purpose": one.Derive("server", " tokenrun1"),
		"another secret":  other.Derive("server token", "run1"),
	} {
		if got == token {
			t.Errorf("%s derives the same token", name)
		}
	}
	if _, err := one.Verify("derive", token, time.Hour, time.Now()); err == nil {
		t.Error("a derived token verifies as a signed value")
	}
}

func TestDeriveNeedsASecret(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("Derive on the zero secret gave a token that anybody can compute")
		}
	}()
	secret.CookieSecret{}.Derive("server token", "run1")
}
