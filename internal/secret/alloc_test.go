//go:build !race

package secret_test

import (
	"testing"

	"berdlhub/internal/secret"
)

// The race detector makes sync.Pool forget at random, so allocations are counted without it.

func TestVerifyAllocatesTheValueOnly(t *testing.T) {
	g := loadGolden(t)
	s, c, now := g.secret(t), g.Signed[0], g.now()
	n := testing.AllocsPerRun(200, func() {
		if _, err := s.Verify(c.Name, c.Signed, fortnight, now); err != nil {
			t.Error(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

func TestCheckTokenAllocatesNothing(t *testing.T) {
	token := secret.NewToken()
	hashed := secret.HashToken(token, secret.GeneratedRounds)
	if n := testing.AllocsPerRun(200, func() { secret.CheckToken(token, hashed) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
