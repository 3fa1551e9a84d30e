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

// WaitNotebook waits until a notebook that the address names is open and its
// kernel is idle.
func (b *Browser) WaitNotebook() {
	b.t.Helper()
	b.slowly(func() {
		b.WaitFor("JupyterLab's splash is gone", `document.querySelector(`+quote(activeEditor)+`) && !document.querySelector("#jupyterlab-splash")`)
		b.WaitKernelIdle()
	})
}

// WaitReconnected waits until the visible notebook's page is connected to its
// kernel again. JupyterLab asks the kernel how it is once, in the moment of
// the connection; when that answer is lost, the kernel's state is "Unknown"
// until a cell runs.
func (b *Browser) WaitReconnected() {
	b.t.Helper()
	b.slowly(func() {
		b.WaitFor("the kernel is connected", kernelState(`Idle|Unknown`))
	})
}

// WaitDisconnected waits until the visible notebook's page has noticed that it
// is not connected to its kernel.
func (b *Browser) WaitDisconnected() {
	b.t.Helper()
	b.WaitFor("the kernel is not connected", kernelState(`Connecting|Reconnecting|Disconnected`))
}

// kernelState is a script that tells whether the status bar calls the kernel so.
func kernelState(words string) string {
	return `[...document.querySelectorAll("#jp-main-statusbar .jp-StatusBar-TextItem")].some(e => /\S \| (` + words + `)$/.test(e.textContent.trim()) && !/^No Kernel/.test(e.textContent))`
}

// WaitKernelIdle waits until the visible notebook's kernel is connected and has
// nothing to do, after a start or a reconnect say.
func (b *Browser) WaitKernelIdle() {
	b.t.Helper()
	// The circle in the notebook's toolbar is idle already while there is no
	// kernel; the words in the status bar follow the connection.
	b.slowly(func() {
		b.WaitFor("the kernel is idle", `document.querySelector(`+quote(notebook+` .jp-Notebook-ExecutionIndicator[data-status="idle"]`)+`) && `+kernelState("Idle"))
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

// ClickMenu opens a menu of JupyterLab's menu bar and clicks an item of it.
func (b *Browser) ClickMenu(menu, item string) {
	b.t.Helper()
	b.clickWords("#jp-menu-panel .lm-MenuBar-itemLabel", menu)
	b.clickWords(".lm-Menu .lm-Menu-itemLabel", item)
}

// clickWords clicks the element with exactly these words, as a hand does: the
// mouse moves there first, which is what JupyterLab's menus listen to.
func (b *Browser) clickWords(selector, words string) {
	b.t.Helper()
	find := `[...document.querySelectorAll(` + quote(selector) + `)].find(e => e.textContent.trim() === ` + quote(words) + `)`
	b.WaitFor(words+" can be seen", find+`?.getBoundingClientRect().height > 0`)
	var at struct{ X, Y float64 }
	b.Eval(`(r => ({x: r.x + r.width / 2, y: r.y + r.height / 2}))(`+find+`.getBoundingClientRect())`, &at)
	if err := b.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y)); err != nil {
		b.t.Fatalf("click %s at %s: %v", words, b.address(), err)
	}
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
