package secret_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/secret"
)

const fortnight = 14 * 24 * time.Hour

func TestSignedValuesAreTornados(t *testing.T) {
	g := loadGolden(t)
	s := g.secret(t)
	for _, c := range g.Signed {
		if got := s.Sign(c.Name, c.Value, g.now()); got != c.Signed {
			t.Errorf("Sign(%q) = %s, want %s", c.Name, got, c.Signed)
		}
		for _, signed := range []string{c.Signed, `"` + c.Signed + `"`} {
			value, err := s.Verify(c.Name, signed, fortnight, g.now())
			if err != nil || !bytes.Equal(value, c.Value) {
				t.Errorf("Verify(%q) = %q, %v", c.Name, value, err)
			}
		}
	}
}

func TestVerifyAge(t *testing.T) {
	g := loadGolden(t)
	c, s := g.Signed[0], g.secret(t)
	for _, a := range []struct {
		age  time.Duration
		want error
	}{{-time.Hour, nil}, {0, nil}, {fortnight, nil}, {fortnight + time.Second, secret.ErrExpired}} {
		if _, err := s.Verify(c.Name, c.Signed, fortnight, g.now().Add(a.age)); !errors.Is(err, a.want) {
			t.Errorf("age %s: %v, want %v", a.age, err, a.want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	g := loadGolden(t)
	s, c := g.secret(t), g.Signed[0]
	other, err := secret.ParseCookieSecret("another cookie secret")
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"empty":         "",
		"quotes":        `""`,
		"one quote":     `"`,
		"open quote":    `"` + c.Signed,
		"version 1":     g.SignedV1,
		"other secret":  other.Sign(c.Name, c.Value, g.now()),
		"other name":    s.Sign("_xsrf", c.Value, g.now()),
		"no signature":  c.Signed[:len(c.Signed)-64],
		"upper case":    c.Signed[:len(c.Signed)-64] + strings.ToUpper(c.Signed[len(c.Signed)-64:]),
		"later":         strings.Replace(c.Signed, "10:1795409431", "10:1995409431", 1),
		"longer":        c.Signed + "0",
		"other version": "3" + c.Signed[1:],
	}
	for name, signed := range bad {
		if v, err := s.Verify(c.Name, signed, fortnight, g.now()); !errors.Is(err, secret.ErrForged) || v != nil {
			t.Errorf("%s: Verify = %q, %v; want ErrForged", name, v, err)
		}
	}
	var zero secret.CookieSecret
	if _, err := zero.Verify(c.Name, c.Signed, fortnight, g.now()); !errors.Is(err, secret.ErrForged) {
		t.Errorf("the zero secret verifies: %v", err)
	}
}

// TestVerifyRefusesMisshapenBodies signs bodies that Sign would not make, as another program with the secret might.
func TestVerifyRefusesMisshapenBodies(t *testing.T) {
	g := loadGolden(t)
	s := g.secret(t)
	key, err := hex.DecodeString(g.CookieSecret)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(body string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(body))
		return body + hex.EncodeToString(mac.Sum(nil))
	}
	if v, err := s.Verify("n", sign("2|1:0|10:1795409431|1:n|4:YQ==|"), fortnight, g.now()); err != nil || string(v) != "a" {
		t.Fatalf("a good body: %q, %v", v, err)
	}
	for _, body := range []string{
		"", "2|", "2|1:0|", "2|1:0|1", "2|1:1|10:1795409431|1:n|4:YQ==|",
		"2|1:0|10:1795409431|1:n|", "2|1:0|10:1795409431|1:n|4:YQ==", "2|1:0|10:1795409431|1:n|4:YQ==|1:x|",
		"2|1:0|-1:1795409431|1:n|4:YQ==|", "2|1:0|+10:1795409431|1:n|4:YQ==|", "2|1:0|010:1795409431|1:n|4:YQ==|",
		"2|1:0|99:1795409431|1:n|4:YQ==|", "2|1:0|99999999999999999999:1|1:n|4:YQ==|", "2|1:0|9:1795409431|1:n|4:YQ==|",
		"2|1:0|10:x795409431|1:n|4:YQ==|", "2|1:0|20:99999999999999999999|1:n|4:YQ==|", "2|1:0|0:|1:n|4:YQ==|",
		"2|1:0|10:1795409431|1:n|4:!!!!|", "2|1:0|10:1795409431|1:n|3:YQ=|",
	} {
		if v, err := s.Verify("n", sign(body), fortnight, g.now()); !errors.Is(err, secret.ErrForged) {
			t.Errorf("%q: Verify = %q, %v; want ErrForged", body, v, err)
		}
	}
}

func TestSignPanicsWithoutSecret(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the zero secret signs")
		}
	}()
	secret.CookieSecret{}.Sign("n", nil, time.Now())
}

// FuzzVerify plays somebody without the secret: nothing verifies but what was signed under that name.
func FuzzVerify(f *testing.F) {
	g := loadGolden(f)
	genuine := map[[2]string]bool{}
	for i, c := range g.Signed {
		genuine[[2]string{c.Name, c.Signed}] = true
		f.Add(c.Name, c.Signed)
		f.Add(c.Name, `"`+c.Signed+`"`)
		f.Add(g.Signed[(i+1)%len(g.Signed)].Name, c.Signed)
		f.Add(c.Name, c.Signed[:len(c.Signed)-1]+"0")
	}
	f.Add("jupyterhub-hub-login", g.SignedV1)
	f.Add("n", "2|1:0|10:1795409431|1:n|4:YQ==|"+strings.Repeat("0", 64))
	s := g.secret(f)
	f.Fuzz(func(t *testing.T, name, signed string) {
		_, err := s.Verify(name, signed, fortnight, g.now())
		bare := signed
		if len(bare) >= 2 && strings.HasPrefix(bare, `"`) && strings.HasSuffix(bare, `"`) {
			bare = bare[1 : len(bare)-1]
		}
		if (err == nil) != genuine[[2]string{name, bare}] {
			t.Errorf("Verify(%q, %q): %v", name, signed, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	g := loadGolden(b)
	s, c, now := g.secret(b), g.Signed[0], g.now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(c.Name, c.Signed, fortnight, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	g := loadGolden(b)
	s, c, now := g.secret(b), g.Signed[0], g.now()
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(c.Name, c.Value, now)
	}
}
