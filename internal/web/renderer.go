package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed templates static
var bundled embed.FS

// Config says how the pages look and where they are.
type Config struct {
	BaseURL  string         // path of everything, with both slashes; empty means /
	Override fs.FS          // folder whose templates/ and static/ replace the bundled files of the same name; nil: none
	LogoFile string         // image at hub/logo and in the header of the pages; empty: our own
	Title    string         // name of this place in titles; empty means BERDL JupyterHub
	Contact  string         // whom to ask, in the middle of a sentence; empty means "the administrators of this hub"
	Vars     map[string]any // template_vars: for templates of an operator
	// FrameOf gives what an error page knows of the person who asks. Nil, or a failed sign-in service: a page for nobody.
	FrameOf func(w http.ResponseWriter, r *http.Request) Frame
	Now     func() time.Time // nil means time.Now
}

// Renderer renders the pages and serves their static files.
type Renderer struct {
	cfg     Config
	hubPath string
	pages   map[string]*template.Template
	static  map[string]*staticFile // by path below static/
	logo    *staticFile
}

// NewRenderer reads and checks every template and every static file; nothing is read from the disk later.
// It fails when a template is missing or cannot be parsed, or when the logo cannot be read.
func NewRenderer(cfg Config) (*Renderer, error) {
	layers := []fs.FS{bundled}
	if cfg.Override != nil {
		layers = append(layers, cfg.Override)
	}
	return newRenderer(cfg, layers)
}

// newRenderer builds a renderer from layers of files; a later layer wins.
func newRenderer(cfg Config, layers []fs.FS) (*Renderer, error) {
	cfg = withDefaults(cfg)
	v := &Renderer{cfg: cfg, hubPath: cfg.BaseURL + "hub/"}
	static, err := readStatic(layers)
	if err != nil {
		return nil, err
	}
	v.static = static
	if v.logo, err = v.readLogo(); err != nil {
		return nil, err
	}
	v.pages = make(map[string]*template.Template, len(pageNames))
	for _, name := range pageNames {
		if v.pages[name], err = v.parse(layers, name); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func withDefaults(cfg Config) Config {
	cfg.BaseURL = "/" + strings.Trim(cfg.BaseURL, "/") + "/"
	if cfg.BaseURL == "//" {
		cfg.BaseURL = "/"
	}
	if cfg.Title == "" {
		cfg.Title = "BERDL JupyterHub"
	}
	if cfg.Contact == "" {
		cfg.Contact = "the administrators of this hub"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// readLogo gives the operator's logo, or our own.
func (v *Renderer) readLogo() (*staticFile, error) {
	if v.cfg.LogoFile == "" {
		f, ok := v.static["images/kbase-logo-light.png"]
		if !ok {
			return nil, fmt.Errorf("static file images/kbase-logo-light.png is missing: put it into the static folder")
		}
		return f, nil
	}
	body, err := os.ReadFile(v.cfg.LogoFile)
	if err != nil {
		return nil, fmt.Errorf("read the logo (logo_file): %w", err)
	}
	return newStaticFile(path.Base(v.cfg.LogoFile), body), nil
}

// parse makes the template of one page: the frame, the shared parts and the page's own file.
func (v *Renderer) parse(layers []fs.FS, name string) (*template.Template, error) {
	t := template.New(name).Funcs(template.FuncMap{
		"static": v.StaticURL,
		"seg":    url.PathEscape,
		"ago":    v.ago,
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	})
	files := []string{"frame.html", "parts.html", name + ".html"}
	if strings.HasPrefix(name, "admin_") {
		files = slices.Insert(files, 2, "admin_parts.html")
	}
	for _, file := range files {
		text, err := readLayer(layers, "templates/"+file)
		if err != nil {
			return nil, fmt.Errorf("template %s of page %s is missing: %w", file, name, err)
		}
		if t, err = t.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("template %s cannot be read, correct it: %w", file, err)
		}
	}
	for _, part := range []string{"frame", "title", "main"} {
		if t.Lookup(part) == nil {
			return nil, fmt.Errorf("template %s.html defines no %q: add {{define %q}}", name, part, part)
		}
	}
	return t, nil
}

// readLayer reads a file from the last layer that has it.
func readLayer(layers []fs.FS, name string) ([]byte, error) {
	for i, layer := range slices.Backward(layers) {
		body, err := fs.ReadFile(layer, name)
		if err == nil {
			return body, nil
		}
		if i == 0 {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil, fmt.Errorf("read %s: %w", name, fs.ErrNotExist)
}

// Render writes a page with a status. Nothing is written when the template fails; the error is our own fault then.
func (v *Renderer) Render(w http.ResponseWriter, r *http.Request, status int, page Page) error {
	page.frame().fill(v)
	var buf bytes.Buffer
	if err := v.pages[page.template()].ExecuteTemplate(&buf, "frame", page); err != nil {
		return fmt.Errorf("render page %s: %w", page.template(), err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	// A failed write means that the reader went away: there is nobody left to tell.
	_, _ = buf.WriteTo(w)
	return nil
}

// HTML makes a handler of pages: an error becomes an error page that says what to do next, and is logged.
func (v *Renderer) HTML(log *slog.Logger, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rw := newReply(w, r)
		err := h(rw, r)
		if err == nil || gone(r, err) {
			return
		}
		v.Fail(log, rw, r, err)
	})
}

// Fail answers with the error page of an error and logs it; nothing is written when the answer had begun.
func (v *Renderer) Fail(log *slog.Logger, w http.ResponseWriter, r *http.Request, err error) {
	status, message := explain(err)
	logFailure(log, r, status, err)
	if rw, ok := w.(*reply); ok && rw.started {
		return
	}
	setRetry(w, err)
	v.errorPage(log, w, r, &ErrorPage{Status: status, Message: message, Retry: retryOf(err)})
}

// errorPage writes an error page; when even that fails, one line of text.
func (v *Renderer) errorPage(log *slog.Logger, w http.ResponseWriter, r *http.Request, page *ErrorPage) {
	if v.cfg.FrameOf != nil {
		page.Frame = v.cfg.FrameOf(w, r)
	}
	if page.Status == http.StatusInternalServerError {
		page.Message = "" // the detail of our own fault is for the log
	}
	page.RequestID = RequestIDFrom(r.Context())
	if err := v.Render(w, r, page.Status, page); err != nil {
		log.ErrorContext(r.Context(), "error page failed", "error", err)
		http.Error(w, http.StatusText(page.Status), page.Status)
	}
}

// ago says how long ago a time was, in words; "never" for the zero time.
func (v *Renderer) ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := v.cfg.Now().Sub(t)
	if d < 0 {
		return "in " + span(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return span(d) + " ago"
}

// span gives a duration in its largest fitting unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural(seconds(d), "second")
	case d < time.Hour:
		return plural(int64(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int64(d/time.Hour), "hour")
	default:
		return plural(int64(d/(24*time.Hour)), "day")
	}
}

func plural(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
