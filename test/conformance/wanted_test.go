package conformance_test

import (
	"fmt"
	"os"
	"strings"
)

// wanted is a difference from JupyterHub that is meant, with the places where it shows.
type wanted struct {
	title  string
	reason string
	places []*place
}

// place is where a wanted difference shows: patterns of a step (`AREA | FIRST LINE`) and of a difference (`FACT: JUPYTERHUB'S →
// OURS`), in which a star stands for any text.
type place struct {
	step, fact string
	seen       int
}

// readWanted reads differences.txt.
func readWanted(name string) ([]*wanted, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return parseWanted(string(text))
}

// parseWanted reads entries: a title, then indented `why:` lines and `at: STEP || DIFFERENCE` lines.
func parseWanted(text string) ([]*wanted, error) {
	var all []*wanted
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		more, indented := strings.CutPrefix(line, "  ")
		if !indented {
			all = append(all, &wanted{title: line})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d has no title above it", i+1)
		}
		w := all[len(all)-1]
		word, rest, _ := strings.Cut(more, ": ")
		at, fact, ok := strings.Cut(rest, " || ")
		switch {
		case word == "why":
			w.reason = strings.TrimSpace(w.reason + " " + rest)
		case word == "at" && ok:
			w.places = append(w.places, &place{step: at, fact: fact})
		default:
			return nil, fmt.Errorf("line %d is neither `why: …` nor `at: STEP || DIFFERENCE`", i+1)
		}
	}
	for _, w := range all {
		if w.reason == "" || len(w.places) == 0 {
			return nil, fmt.Errorf("%q lacks a reason or a place", w.title)
		}
	}
	return all, nil
}

// isWanted tells whether a difference is listed, and marks where. everywhere says that it is so at every step.
func isWanted(all []*wanted, at *step, difference string) (listed, everywhere bool) {
	for _, w := range all {
		for _, p := range w.places {
			if matches(p.step, at.String()) && matches(p.fact, difference) {
				p.seen++
				listed = true
				everywhere = everywhere || p.step == "*"
			}
		}
	}
	return listed, everywhere
}

// matches tells whether a text is like a pattern, in which a star stands for any text.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, last)
}
