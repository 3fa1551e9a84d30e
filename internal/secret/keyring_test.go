package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"berdlhub/internal/secret"
)

func TestOpenReadsWhatJupyterHubSealed(t *testing.T) {
	g := loadGolden(t)
	for _, c := range g.Fernet {
		plain, stale, err := g.ring(t).Open([]byte(c.Sealed))
		if err != nil || !bytes.Equal(plain, c.Plain) || stale != (c.Key > 0) {
			t.Errorf("key %d: Open = %q, stale %v, %v; want %q", c.Key, plain, stale, err, c.Plain)
		}
		other := ring(t, g.Keys[(c.Key+1)%len(g.Keys)])
		if plain, _, err := other.Open([]byte(c.Sealed)); !errors.Is(err, secret.ErrUnreadable) || plain != nil {
			t.Errorf("with another key Open = %q, %v; want ErrUnreadable", plain, err)
		}
	}
}

func TestSealThenOpen(t *testing.T) {
	g := loadGolden(t)
	for n := range 70 {
		want := bytes.Repeat([]byte{'x'}, n)
		sealed, err := g.ring(t).Seal(want)
		if err != nil {
			t.Fatal(err)
		}
		// Only the first key may have sealed it.
		got, stale, err := ring(t, g.Keys[0]).Open(sealed)
		if err != nil || stale || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: Open = %q, stale %v, %v", n, got, stale, err)
		}
		rotated := ring(t, g.Keys[1], g.Keys[0])
		if _, stale, err := rotated.Open(sealed); err != nil || !stale {
			t.Fatalf("after a rotation stale = %v, %v; want true", stale, err)
		}
	}
}

func TestParseKeysReadsEveryForm(t *testing.T) {
	for _, c := range loadGolden(t).KeyForms {
		for _, text := range []string{c.Text, " " + c.Text + "\n", ";" + c.Text + ";"} {
			sealed, err := ring(t, text).Seal([]byte("plain"))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := ring(t, c.Key).Open(sealed); err != nil {
				t.Errorf("%q is not the key %s: %v", text, c.Key, err)
			}
		}
	}
	spaces := " key with spaces on both sides: "
	sealed, err := ring(t, spaces).Seal([]byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ring(t, fmt.Sprintf("%x", spaces)).Open(sealed); err != nil {
		t.Errorf("a raw key lost its spaces: %v", err)
	}
}

func TestParseKeysNamesThePositionNotTheKey(t *testing.T) {
	good := strings.Repeat("ab", 32)
	bad := map[string]string{
		"short":               "canary",
		"not hex":             strings.Repeat("canary-z", 8),
		"not base64":          "canary" + strings.Repeat("!", 38),
		"base64 of 31 bytes":  base64.StdEncoding.EncodeToString([]byte("canary-7890123456789012345678901"))[:40] + "====",
		"base64 of 33 bytes":  base64.StdEncoding.EncodeToString([]byte("canary-78901234567890123456789012")),
		"33 bytes, not a key": "canary-78901234567890123456789012",
	}
	for name, key := range bad {
		_, err := secret.ParseKeys(good + ";" + key)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if s := err.Error(); !strings.Contains(s, "key 2 ") || !strings.Contains(s, "64 hex digits") || strings.Contains(s, key) || strings.Contains(s, "canary") {
			t.Errorf("%s: error %q", name, s)
		}
	}
}

func TestNoKeys(t *testing.T) {
	for _, s := range []string{"", " ", ";", " ; \n"} {
		if k, err := secret.ParseKeys(s); !errors.Is(err, secret.ErrNoKeys) || k != nil {
			t.Errorf("ParseKeys(%q) = %v, %v", s, k, err)
		}
	}
	for _, k := range []*secret.Keyring{nil, {}} {
		if _, err := k.Seal(nil); !errors.Is(err, secret.ErrNoKeys) {
			t.Errorf("Seal: %v", err)
		}
		if _, _, err := k.Open(nil); !errors.Is(err, secret.ErrNoKeys) {
			t.Errorf("Open: %v", err)
		}
	}
}

func TestSecretsPrintMasked(t *testing.T) {
	g := loadGolden(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, v := range []any{g.secret(t), g.ring(t)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			if got := fmt.Sprintf(verb, v); got != "[masked]" {
				t.Errorf("%T printed with %s: %q", v, verb, got)
			}
		}
		log.Reset()
		logger.Info("secret", "value", v)
		if !strings.Contains(log.String(), "value=[masked]") {
			t.Errorf("%T logged: %s", v, log.String())
		}
	}
	// Inside an unexported field fmt cannot call methods.
	hidden := struct {
		c secret.CookieSecret
		k *secret.Keyring
	}{g.secret(t), g.ring(t)}
	plain := "raw key of exactly 32 characters"
	hidden.k = ring(t, plain)
	if got := fmt.Sprintf("%+v %#v %s", hidden, hidden, hidden); strings.Contains(got, plain) || strings.Contains(got, "114 97 119") {
		t.Errorf("hidden secrets printed: %s", got)
	}
}

// FuzzOpen plays somebody without the keys: no bytes but those that were sealed open.
func FuzzOpen(f *testing.F) {
	g := loadGolden(f)
	genuine := map[string]bool{}
	for _, c := range g.Fernet {
		genuine[c.Sealed] = true
		f.Add([]byte(c.Sealed))
		f.Add([]byte(c.Sealed[:len(c.Sealed)-4]))
		f.Add([]byte(c.Sealed + "\n"))
		f.Add([]byte(c.Sealed + "A"))
		f.Add([]byte(strings.TrimRight(c.Sealed, "=")))
	}
	f.Add([]byte("gAAAAA=="))
	f.Add([]byte(base64.URLEncoding.EncodeToString(append([]byte{0x80}, make([]byte, 72)...))))
	keys := g.ring(f)
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, _, err := keys.Open(sealed); (err == nil) != genuine[string(sealed)] {
			t.Errorf("Open(%q): %v", sealed, err)
		}
	})
}
