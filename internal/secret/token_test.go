package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"berdlhub/internal/secret"
)

func TestCheckTokenReadsJupyterHubsHashes(t *testing.T) {
	for _, c := range loadGolden(t).Tokens {
		if !secret.CheckToken(c.Token, c.Hashed) {
			t.Errorf("%q does not fit %s", c.Token, c.Hashed)
		}
		if secret.CheckToken(c.Token+"x", c.Hashed) || secret.CheckToken(c.Token[1:], c.Hashed) || secret.CheckToken("", c.Hashed) {
			t.Errorf("another token than %q fits %s", c.Token, c.Hashed)
		}
	}
}

func TestHashToken(t *testing.T) {
	form := regexp.MustCompile(`^sha512:(1|7|16384):[0-9a-f]{16}:[0-9a-f]{128}$`)
	for _, rounds := range []int{secret.GeneratedRounds, 7, secret.ConfiguredRounds, 0, -1} {
		hashed := secret.HashToken("a token of mine", rounds)
		if !form.MatchString(hashed) || !secret.CheckToken("a token of mine", hashed) || secret.CheckToken("a token of mind", hashed) {
			t.Errorf("%d rounds: %s", rounds, hashed)
		}
		if hashed == secret.HashToken("a token of mine", rounds) {
			t.Errorf("%d rounds: the salt is not random", rounds)
		}
	}
}

func TestCheckTokenRefusesBrokenHashes(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	good := secret.HashToken(token, 1)
	part := strings.Split(good, ":")
	bad := []string{
		"", ":::", "sha512", good + ":", good[1:], good[:len(good)-1], good + "0", strings.ToUpper(good),
		"sha512:1:" + strings.ToUpper(part[2]+":"+part[3]) + "0",
		strings.Replace(good, "sha512", "md5", 1),
		strings.Replace(good, ":1:", ":0:", 1),
		strings.Replace(good, ":1:", ":-1:", 1),
		strings.Replace(good, ":1:", ":01:", 1),
		strings.Replace(good, ":1:", ":+1:", 1),
		strings.Replace(good, ":1:", "::", 1),
		strings.Replace(good, ":1:", ":2:", 1),
		strings.Replace(good, ":1:", ":9999999999999:", 1),
		"sha512:1::" + part[3],
	}
	for _, hashed := range bad {
		if secret.CheckToken(token, hashed) {
			t.Errorf("fits %q", hashed)
		}
	}
	long := strings.Repeat("x", 65)
	if secret.CheckToken(long, secret.HashToken(long, 1)) {
		t.Error("a token of 65 characters fits")
	}
}

func TestTokenPrefixAndLength(t *testing.T) {
	for _, c := range []struct {
		token, prefix string
		valid         bool
	}{
		{"", "", false},
		{"abc", "abc", false},
		{"abcd", "abcd", false},
		{"abcdefg", "abcd", false},
		{"abcdefgh", "abcd", true},
		{"äöüßabcd", "äöüß", true},
		{"\xff\xfe\xfd\xfc\xfb", "\xff\xfe\xfd\xfc", false},
		{strings.Repeat("x", 64), "xxxx", true},
		{strings.Repeat("ü", 64), "üüüü", true},
		{strings.Repeat("x", 65), "xxxx", false},
		{strings.Repeat("x", 1000), "xxxx", false},
	} {
		if p := secret.TokenPrefix(c.token); p != c.prefix {
			t.Errorf("TokenPrefix(%q) = %q, want %q", c.token, p, c.prefix)
		}
		if v := secret.ValidTokenLength(c.token); v != c.valid {
			t.Errorf("ValidTokenLength(%q) = %v", c.token, v)
		}
	}
}

func TestFingerprint(t *testing.T) {
	// sha256sum of "abc" begins so.
	if got := secret.Fingerprint("abc"); got != "ba7816bf8f01cfea414140de5dae2223" {
		t.Errorf("Fingerprint = %s", got)
	}
}

// FuzzCheckToken looks for a second token that fits a hash, and for a hash that breaks the check.
func FuzzCheckToken(f *testing.F) {
	g := loadGolden(f)
	genuine := map[string]string{}
	for _, c := range g.Tokens {
		if c.Rounds > 100 {
			continue // slow, and no other path than 33 rounds
		}
		genuine[c.Hashed] = c.Token
		f.Add(c.Token, c.Hashed)
		f.Add(c.Token+"\x00", c.Hashed)
		f.Add(c.Token, c.Hashed+"\n")
		f.Add(c.Token, strings.Replace(c.Hashed, "sha512:", "sha512::", 1))
	}
	f.Fuzz(func(t *testing.T, token, hashed string) {
		want, known := genuine[hashed]
		if got := secret.CheckToken(token, hashed); got != (known && token == want) {
			t.Errorf("CheckToken(%q, %q) = %v", token, hashed, got)
		}
	})
}

func BenchmarkCheckToken(b *testing.B) {
	token := secret.NewToken()
	for name, rounds := range map[string]int{"generated": secret.GeneratedRounds, "configured": secret.ConfiguredRounds} {
		hashed := secret.HashToken(token, rounds)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !secret.CheckToken(token, hashed) {
					b.Fatal("does not fit")
				}
			}
		})
	}
}
