package config

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong, or worth a warning, in a configuration. It never holds the value of a secret.
type Fault struct {
	Place   string // file:line:column, environment NAME or command line --flag; empty when nothing was set anywhere
	Option  string // Class.trait, Class or name, as written
	Problem string // what is wrong
	Near    string // nearest known name; empty when none is near
	Remedy  string // what to do
	Warning bool   // the hub can start in spite of it
}

// String gives the fault on one line.
func (f Fault) String() string {
	var b strings.Builder
	if f.Place != "" {
		b.WriteString(f.Place + ": ")
	}
	if f.Warning {
		b.WriteString("warning: ")
	}
	if f.Option != "" {
		b.WriteString(f.Option + " ")
	}
	b.WriteString(f.Problem)
	if f.Near != "" {
		b.WriteString("; did you mean " + f.Near + "?")
	}
	if f.Remedy != "" {
		b.WriteString(" [" + f.Remedy + "]")
	}
	return strings.Map(printable, b.String())
}

// printable keeps names from a hostile file from breaking the line or the terminal.
func printable(r rune) rune {
	if unicode.IsControl(r) {
		return '?'
	}
	return r
}

// Faults are all faults of one configuration, in the order file, environment, command line, then what concerns them together.
type Faults []Fault

// Err gives an error that lists every fault which is not a warning, or nil when there is none.
func (f Faults) Err() error {
	var lines []string
	for _, one := range f {
		if !one.Warning {
			lines = append(lines, one.String())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration has %s:\n  %s", count(len(lines), "fault"), strings.Join(lines, "\n  "))
}

// Warnings gives the faults in spite of which the hub can start.
func (f Faults) Warnings() Faults {
	var out Faults
	for _, one := range f {
		if one.Warning {
			out = append(out, one)
		}
	}
	return out
}

// Check writes every fault and warning, one a line, and a last line that counts them. Its error is that of writing.
func (f Faults) Check(w io.Writer) error {
	var b strings.Builder
	for _, one := range f {
		b.WriteString(one.String() + "\n")
	}
	warnings := len(f.Warnings())
	fmt.Fprintf(&b, "%s, %s\n", count(len(f)-warnings, "fault"), count(warnings, "warning"))
	_, err := io.WriteString(w, b.String())
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// nearest gives the known name that is nearest to a wrong one, or nothing when none is near enough to be meant.
func nearest(name string, known []string) string {
	if len(name) > 100 {
		return ""
	}
	best, bound := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bound {
			best, bound = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that lead from a to b.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
