package secret_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"berdlhub/internal/secret"
)

// golden is testdata/golden.json, which golden.py beside it makes with JupyterHub itself.
type golden struct {
	Now          int64    `json:"now"`
	CookieSecret string   `json:"cookie_secret"`
	Keys         []string `json:"keys"`
	Signed       []struct {
		Name   string `json:"name"`
		Value  []byte `json:"value"`
		Signed string `json:"signed"`
	} `json:"signed"`
	SignedV1 string `json:"signed_v1"`
	XSRF     []struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	} `json:"xsrf"`
	Anonymous []struct {
		Session string   `json:"session"`
		IP      string   `json:"ip"`
		Headers []string `json:"headers"`
		ID      string   `json:"id"`
	} `json:"anonymous"`
	Tokens []struct {
		Token  string `json:"token"`
		Rounds int    `json:"rounds"`
		Hashed string `json:"hashed"`
	} `json:"tokens"`
	Fernet []struct {
		Key    int    `json:"key"`
		Plain  []byte `json:"plain"`
		Sealed string `json:"sealed"`
	} `json:"fernet"`
	KeyForms []struct {
		Text string `json:"text"`
		Key  string `json:"key"`
	} `json:"key_forms"`
	PKCE []struct {
		Verifier  string `json:"verifier"`
		Challenge string `json:"challenge"`
		Accepted  bool   `json:"accepted"`
	} `json:"pkce"`
}

func (g golden) now() time.Time { return time.Unix(g.Now, 0) }

func (g golden) secret(t testing.TB) secret.CookieSecret {
	t.Helper()
	s, err := secret.ParseCookieSecret(g.CookieSecret)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (g golden) ring(t testing.TB) *secret.Keyring {
	t.Helper()
	return ring(t, g.Keys...)
}

func ring(t testing.TB, keys ...string) *secret.Keyring {
	t.Helper()
	k, err := secret.ParseKeys(strings.Join(keys, ";"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func loadGolden(t testing.TB) golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	// An empty list would make a test that checks nothing.
	if min(len(g.Signed), len(g.XSRF), len(g.Anonymous), len(g.Tokens), len(g.Fernet), len(g.KeyForms), len(g.PKCE)) == 0 {
		t.Fatal("golden.json lacks a list")
	}
	return g
}
