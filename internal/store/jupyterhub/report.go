package jupyterhub

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// maxNames bounds how many names the report gives for one reason.
const maxNames = 20

// Report says what an import did. It holds no secrets.
type Report struct {
	From     string     `json:"from"`    // the database that was read, without its password
	Release  string     `json:"release"` // of the JupyterHub, for example 6.0 or 6.1
	Revision string     `json:"revision"`
	DryRun   bool       `json:"dry_run"` // nothing was written
	Sections []*Section `json:"sections"`
	Notes    []string   `json:"notes"` // what the person who moves the hub should know
}

// Section is the report on one kind of thing.
type Section struct {
	What      string     `json:"what"`
	Taken     int        `json:"taken"`     // new here
	Updated   int        `json:"updated"`   // taken earlier, and changed in JupyterHub since
	Unchanged int        `json:"unchanged"` // taken earlier; what was changed here since stays
	Removed   int        `json:"removed"`   // taken earlier, and removed in JupyterHub since
	LeftOut   []*LeftOut `json:"left_out"`
}

// LeftOut is what was not taken for one reason.
type LeftOut struct {
	Why   string   `json:"why"`
	Count int      `json:"count"`
	Names []string `json:"names"` // the first 20
}

// Section gives the section of a kind of thing, which is made when it is missing.
func (r *Report) Section(what string) *Section {
	for _, s := range r.Sections {
		if s.What == what {
			return s
		}
	}
	s := &Section{What: what, LeftOut: []*LeftOut{}}
	r.Sections = append(r.Sections, s)
	return s
}

// Changes tells how many things the import wrote or removed.
func (r *Report) Changes() int {
	n := 0
	for _, s := range r.Sections {
		n += s.Taken + s.Updated + s.Removed
	}
	return n
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// leave notes that something is not taken.
func (s *Section) leave(why, name string) {
	for _, l := range s.LeftOut {
		if l.Why == why {
			l.add(name)
			return
		}
	}
	l := &LeftOut{Why: why, Names: []string{}}
	l.add(name)
	s.LeftOut = append(s.LeftOut, l)
}

func (l *LeftOut) add(name string) {
	l.Count++
	if len(l.Names) < maxNames && name != "" {
		l.Names = append(l.Names, printable(name))
	}
}

// printable bounds a name of somebody else's making, and takes out what a terminal would obey.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xa0) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return s
}

// Print writes the report as a table, what was left out, and the notes.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "From the %s, JupyterHub %s:\n\n", r.From, r.Release)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "taken\tupdated\tunchanged\tremoved\tleft out\t  what\t")
	for _, s := range r.Sections {
		left := 0
		for _, l := range s.LeftOut {
			left += l.Count
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%d\t  %s\t\n", s.Taken, s.Updated, s.Unchanged, s.Removed, left, s.What)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	for _, s := range r.Sections {
		for _, l := range s.LeftOut {
			fmt.Fprintf(w, "\nLeft out: %d %s, because %s.\n", l.Count, s.What, l.Why)
			if len(l.Names) > 0 {
				more := ""
				if l.Count > len(l.Names) {
					more = ", …"
				}
				fmt.Fprintf(w, "  %s%s\n", strings.Join(l.Names, ", "), more)
			}
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", n)
	}
	end := ""
	if r.DryRun {
		end = "Nothing was written: this was a dry run.\n"
	}
	_, err := fmt.Fprint(w, "\n"[:min(1, len(end))]+end)
	return err
}
