package chromiumtest

import (
	"fmt"
	"os"
	"strings"

	"github.com/chromedp/chromedp"

	"berdlhub/test/e2e/partstest"
)

// axeFault is what axe-core finds fault with on a page.
type axeFault struct {
	ID, Impact, Help string
	Nodes            []string
}

// SeriousFaults has axe-core judge the page as it stands, with all that can be unfolded open, and gives what makes it hard or
// impossible to use for some people, each in a line.
func (b *Browser) SeriousFaults() []string {
	b.t.Helper()
	source, err := os.ReadFile(partstest.Axe(b.t))
	if err != nil {
		b.t.Fatal(err)
	}
	// The browser's own debugger runs the script: the pages' content security policy lets no page do that.
	if _, err := get(b, chromedp.Evaluate[string](string(source)+"\n;axe.version")); err != nil {
		b.t.Fatalf("load axe-core at %s: %v", b.address(), err)
	}
	b.Eval(`(document.querySelectorAll("details").forEach(d => d.open = true), null)`, nil)
	var judged struct {
		Passes int
		Faults []axeFault
	}
	b.Eval(`axe.run(document).then(r => ({passes: r.passes.length, faults: r.violations.map(v =>
		({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html + " " + (n.any[0]?.message ?? ""))}))}))`, &judged)
	if judged.Passes < 5 {
		b.t.Fatalf("axe-core found only %d rules that hold at %s: it has not seen the page", judged.Passes, b.address())
	}
	var serious []string
	for _, f := range judged.Faults {
		if f.Impact == "serious" || f.Impact == "critical" {
			serious = append(serious, fmt.Sprintf("%s, %s: %s: %s", f.Impact, f.ID, f.Help, strings.Join(f.Nodes[:min(len(f.Nodes), 3)], " | ")))
		}
	}
	return serious
}
