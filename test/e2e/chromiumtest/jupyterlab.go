package chromiumtest

import (
	"encoding/json"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// labWait bounds JupyterLab's own slow steps, its first load and a kernel's
// start, on a busy machine.
const labWait = 2 * time.Minute

// The parts of JupyterLab 4's page that a person sees.
const (
	launcherCard = `.jp-LauncherCard[data-category="Notebook"]`
	notebook     = `.jp-NotebookPanel:not(.lm-mod-hidden)`
	activeCell   = notebook + ` .jp-Notebook .jp-Cell.jp-mod-active`
	activeEditor = activeCell + ` .cm-content`
)

// OpenNotebook waits for JupyterLab's launcher, clicks the card of the Python 3
// notebook, and waits until its kernel is idle.
func (b *Browser) OpenNotebook() {
	b.t.Helper()
	b.slowly(func() {
		b.WaitVisible(launcherCard)
		// The splash of the first load covers the launcher for a moment.
		b.WaitFor("JupyterLab's splash is gone", `!document.querySelector("#jupyterlab-splash")`)
		b.Click(launcherCard)
		b.WaitVisible(activeEditor)
		b.WaitKernelIdle()
	})
}

// WaitKernelIdle waits until the visible notebook's kernel is connected and has
// nothing to do, after a start or a reconnect say.
func (b *Browser) WaitKernelIdle() {
	b.t.Helper()
	// The circle in the notebook's toolbar is idle already while there is no
	// kernel; the words in the status bar follow the connection.
	b.slowly(func() {
		b.WaitFor("the kernel is idle", `document.querySelector(`+quote(notebook+` .jp-Notebook-ExecutionIndicator[data-status="idle"]`)+`) &&
			[...document.querySelectorAll("#jp-main-statusbar .jp-StatusBar-TextItem")].some(e => /\S \| Idle$/.test(e.textContent.trim()) && !/^No Kernel/.test(e.textContent))`)
	})
}

// RunCell types code into the active cell of the visible notebook, presses Shift
// and Enter, waits until the cell has run, and returns the text of its output.
func (b *Browser) RunCell(code string) string {
	b.t.Helper()
	var output string
	b.slowly(func() {
		b.Click(activeEditor)
		// The cell is marked so that it is found again when the next one is active.
		b.Eval(`document.querySelectorAll("[data-chromiumtest]").forEach(e => e.removeAttribute("data-chromiumtest"))`, nil)
		b.Eval(`document.querySelector(`+quote(activeCell)+`).setAttribute("data-chromiumtest", "ran")`, nil)
		// Inserted as a whole: typed keys would meet completion and auto-indent.
		if _, err := get(b, call(input.InsertText, input.InsertTextParams{Text: code})); err != nil {
			b.t.Fatalf("type the code: %v", err)
		}
		b.Press(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift))
		b.WaitFor("the cell has run", `/^\[\d+\]:?$/.test(document.querySelector('[data-chromiumtest] .jp-InputPrompt').textContent.trim())`)
		b.WaitKernelIdle()
		b.Eval(`[...document.querySelectorAll('[data-chromiumtest] .jp-OutputArea-output')].map(e => e.innerText).join("\n").trim()`, &output)
	})
	return output
}

// slowly runs steps with at least JupyterLab's wait.
func (b *Browser) slowly(steps func()) {
	b.t.Helper()
	before := b.Wait
	b.Wait = max(b.wait(), labWait)
	defer func() { b.Wait = before }()
	steps()
}

// quote writes a text as a JavaScript string.
func quote(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(data)
}
