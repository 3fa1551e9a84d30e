package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestGoal(t *testing.T) {
	more, less := goal{"more", 15, false}, goal{"less", 1. / 30, true}
	for _, c := range []struct {
		goal  goal
		ratio float64
		met   bool
		show  string
	}{
		{more, 15, true, "15 ×"},
		{more, 14.9, false, "14.9 ×"},
		{more, 0.5, false, "0.5 ×"},
		{less, 1. / 31, true, "1/31"},
		{less, 1. / 29, false, "1/29"},
		{less, 2, false, "2 ×"},
		{more, 300, true, "300 ×"},
	} {
		if got := c.goal.met(c.ratio); got != c.met {
			t.Errorf("%s: %g met: %t", c.goal.row, c.ratio, got)
		}
		if got := c.goal.show(c.ratio); got != c.show {
			t.Errorf("%s: %g is shown as %q, want %q", c.goal.row, c.ratio, got, c.show)
		}
	}
}

func TestTable(t *testing.T) {
	tab := newTable(size{rounds: 3, users: 200, spell: time.Second})
	for _, v := range []float64{30, 10, 20} {
		tab.add(jupyterhub, &result{values: map[string]float64{rowSignIn: v, rowList: v}})
		tab.add(berdlhub, &result{values: map[string]float64{rowSignIn: 16 * v}, failed: map[string]error{rowList: errors.New("refused")}})
	}
	if m := tab.median(jupyterhub, rowSignIn); m != 20 {
		t.Errorf("median %g, want 20", m)
	}
	if !math.IsNaN(tab.median(berdlhub, rowOAuth)) {
		t.Error("what was not measured has a median")
	}
	var out strings.Builder
	file := filepath.Join(t.TempDir(), "out", "latest.md")
	err := tab.publish(&out, file)
	if err == nil || !strings.Contains(err.Error(), "berdlhub, round 3") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v, want one that names the failed row", err)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != out.String() {
		t.Errorf("the file differs from what is printed (%v)", err)
	}
	for _, line := range []string{
		"| " + rowSignIn + " | 20.0 | 320 | 16 × | ≥ 15 × | yes |\n",
		"| " + rowList + " | 20.0 | – |  | ≥ 30 × | not measured |\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
}
