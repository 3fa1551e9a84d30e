package secret_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berdlhub/internal/secret"
)

func TestRandomForms(t *testing.T) {
	for name, c := range map[string]struct {
		make func() string
		form string
	}{
		"token":       {secret.NewToken, `^[0-9a-f]{32}$`},
		"oauth token": {secret.NewOAuthToken, `^[0-9A-Za-z]{30}$`},
		"code":        {secret.NewCode, `^[0-9A-Za-z]{30}$`},
		"share code":  {secret.NewShareCode, `^[0-9A-Za-z_-]{43}$`},
		"session":     {secret.NewSessionID, `^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`},
		"run":         {secret.NewRunID, `^[0-9a-z]{16}$`},
	} {
		form, seen := regexp.MustCompile(c.form), map[string]bool{}
		for range 500 {
			s := c.make()
			if !form.MatchString(s) {
				t.Fatalf("%s: %q is not %s", name, s, c.form)
			}
			if seen[s] {
				t.Fatalf("%s: made the same twice", name)
			}
			seen[s] = true
		}
	}
}

func TestOAuthTokenUsesEveryCharacterAlike(t *testing.T) {
	const tokens = 4000
	count := map[rune]int{}
	for range tokens {
		for _, r := range secret.NewOAuthToken() {
			count[r]++
		}
	}
	if len(count) != 62 {
		t.Fatalf("%d characters are used, want 62", len(count))
	}
	mean := tokens * 30 / 62
	for r, n := range count {
		// 12% is more than five standard deviations; the bias of a plain remainder would be 25%.
		if n < mean*88/100 || n > mean*112/100 {
			t.Errorf("%q came %d times, want about %d", r, n, mean)
		}
	}
}

func TestRunIDsSortByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		last := secret.NewRunID()
		for _, step := range []time.Duration{time.Millisecond, time.Second, time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour, 50 * 365 * 24 * time.Hour} {
			time.Sleep(step)
			next := secret.NewRunID()
			if strings.Compare(last, next) >= 0 || len(next) != 16 {
				t.Errorf("%s later comes %q after %q", step, next, last)
			}
			last = next
		}
	})
}
