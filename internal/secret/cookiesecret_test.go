package secret_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"berdlhub/internal/secret"
)

func TestParseCookieSecret(t *testing.T) {
	g := loadGolden(t)
	want := g.Signed[0]
	for _, text := range []string{g.CookieSecret, strings.ToUpper(g.CookieSecret), " " + g.CookieSecret + "\n"} {
		s, err := secret.ParseCookieSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Sign(want.Name, want.Value, g.now()); got != want.Signed {
			t.Errorf("%q signs %q", text, got)
		}
	}
	// Text that is not hex is its own bytes.
	plain, err := secret.ParseCookieSecret("a text of 20 letters")
	if err != nil {
		t.Fatal(err)
	}
	same, err := secret.ParseCookieSecret("612074657874206f66203230206c657474657273")
	if err != nil {
		t.Fatal(err)
	}
	if plain.Sign("n", nil, g.now()) != same.Sign("n", nil, g.now()) {
		t.Error("a text and its hex are different secrets")
	}
	for _, text := range []string{"", " ", "canary", "0123456789abcdef0123456789abcd"} {
		_, err := secret.ParseCookieSecret(text)
		if err == nil || strings.TrimSpace(text) != "" && strings.Contains(err.Error(), text) {
			t.Errorf("ParseCookieSecret(%q): %v", text, err)
		}
	}
}

func TestLoadCookieSecretFileMakesOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "jupyterhub_cookie_secret")
	g := loadGolden(t)
	var hubs sync.WaitGroup
	signed := make([]string, 4)
	for i := range signed {
		hubs.Go(func() {
			s, err := secret.LoadCookieSecretFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			signed[i] = s.Sign("n", nil, g.now())
		})
	}
	hubs.Wait()
	for _, s := range signed {
		if s != signed[0] || s == "" {
			t.Errorf("hubs that started together sign %q", signed)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{64}\n$`).Match(text) {
		t.Errorf("file holds %q, %v", text, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestLoadCookieSecretFileForms(t *testing.T) {
	g := loadGolden(t)
	old := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("old secret ", 30)))
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		wrong   string // part of the error
	}{
		"hex":           {content: g.CookieSecret, mode: 0o600},
		"hex and break": {content: g.CookieSecret + "\n", mode: 0o400},
		"group":         {content: g.CookieSecret, mode: 0o640},
		"base64":        {content: old[:76] + "\n" + old[76:] + "\n", mode: 0o600},
		"others read":   {content: g.CookieSecret, mode: 0o604, wrong: "chmod o-rwx "},
		"others write":  {content: g.CookieSecret, mode: 0o602, wrong: "chmod o-rwx "},
		"empty":         {content: "", mode: 0o600, wrong: "must be 64 hex digits"},
		"short":         {content: "abcd", mode: 0o600, wrong: "too few"},
		"text":          {content: "canary: not a secret at all", mode: 0o600, wrong: "must be 64 hex digits"},
		"huge":          {content: strings.Repeat("ab", 40_000), mode: 0o600, wrong: "must be 64 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			s, err := secret.LoadCookieSecretFile(path)
			if c.wrong == "" {
				if err != nil {
					t.Fatal(err)
				}
				s.Sign("n", nil, g.now())
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "canary") {
				t.Errorf("error %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != c.content {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestLoadCookieSecretFileKeepsOldBase64(t *testing.T) {
	g := loadGolden(t)
	key := strings.Repeat("old secret ", 30)
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString([]byte(key))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := secret.LoadCookieSecretFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := secret.ParseCookieSecret(strings.Repeat("6f6c642073656372657420", 30))
	if err != nil {
		t.Fatal(err)
	}
	if s.Sign("n", nil, g.now()) != want.Sign("n", nil, g.now()) {
		t.Error("the file was not read as base64")
	}
}

func TestLoadCookieSecretFileWithoutFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "secret")
	if _, err := secret.LoadCookieSecretFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}
