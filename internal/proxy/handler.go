package proxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Config says how a Handler works. Zero values mean the defaults.
type Config struct {
	BasePath  string       // public path of the whole platform, with both slashes; "": "/"
	HubPrefix string       // escaped path of the hub, with both slashes; "": BasePath + "hub/"
	Hub       http.Handler // answers below HubPrefix and wherever no route leads; nil: such requests get 404

	DialTimeout           time.Duration // for a connection to a target; 0: 5 s
	ResponseHeaderTimeout time.Duration // from the end of a request to the head of its answer; 0: no limit

	TrustedNetworks []netip.Prefix      // of proxies in front whose X-Forwarded-… is believed
	HubCookies      []string            // names that never pass to or from a server, with and without __Host-; nil: JupyterHub's
	SessionCookies  []string            // names that pass only to their owner's server; nil: "kbase_session" and "kbase_session_backup"
	Fingerprint     func(string) string // of a session cookie's value, compared with CookieRule.Session; nil: none passes

	// ErrorPage answers a browser when a server does not; nil: a line of text. The error is for the log, not for the page.
	ErrorPage func(w http.ResponseWriter, r *http.Request, status int, err error)

	Logger *slog.Logger // nil: slog.Default
}

// Handler relays requests by the routes of a Table, and hands the others to the hub. It serves until Close.
type Handler struct {
	cfg       Config
	table     *Table
	hubPrefix string // canonical
	cookies   *cookieGuard
	relay     *httputil.ReverseProxy
	transport *http.Transport
	metrics   *metrics
}

// New gives the handler of the public address.
func New(cfg Config, t *Table) *Handler {
	cfg = withDefaults(cfg)
	h := &Handler{
		cfg: cfg, table: t, hubPrefix: canonical(cfg.HubPrefix), transport: newTransport(cfg),
		cookies: &cookieGuard{hub: cfg.HubCookies, session: cfg.SessionCookies, fingerprint: cfg.Fingerprint},
		metrics: &metrics{},
	}
	h.relay = &httputil.ReverseProxy{
		Rewrite: h.rewrite, ModifyResponse: h.receive, ErrorHandler: h.fail,
		Transport: h.transport, BufferPool: &bufferPool{}, FlushInterval: -1,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return h
}

func withDefaults(cfg Config) Config {
	if cfg.BasePath == "" {
		cfg.BasePath = "/"
	}
	if cfg.HubPrefix == "" {
		cfg.HubPrefix = cfg.BasePath + "hub/"
	}
	if cfg.Hub == nil {
		cfg.Hub = http.NotFoundHandler()
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 5 * time.Second
	}
	if cfg.HubCookies == nil {
		cfg.HubCookies = []string{hubLoginCookie, servicesCookie}
	}
	if cfg.SessionCookies == nil {
		cfg.SessionCookies = []string{"kbase_session", "kbase_session_backup"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	bare := make([]string, 0, len(cfg.HubCookies))
	for _, name := range cfg.HubCookies {
		bare = append(bare, bareName(name))
	}
	cfg.HubCookies = bare
	return cfg
}

// Close lets no more WebSockets begin, tells the targets of the open ones that their client is gone, waits for them to end,
// and cuts those that are left when ctx is done; it then returns an error that says how many. Requests without a WebSocket go
// on: the HTTP server that calls the handler ends them.
func (h *Handler) Close(ctx context.Context) error {
	err := h.table.sockets.close(ctx)
	h.transport.CloseIdleConnections()
	return err
}

// ServeHTTP relays a request to the target of its route, or calls the hub.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	path := escapedPath(r)
	if below(path, h.hubPrefix) {
		h.serveHub(w, r)
		return
	}
	e, ok := h.table.Lookup(path)
	if !ok {
		h.serveHub(w, r)
		return
	}
	p := &passage{entry: e, path: path, webSocket: asksWebSocket(r)}
	if p.webSocket {
		h.metrics.webSocket.Add(1)
	} else {
		h.metrics.http.Add(1)
	}
	h.metrics.active.Add(1)
	defer h.metrics.active.Add(-1)
	if r.ContentLength != 0 {
		// An answer may begin before the request has ended. Where that is not supported, it cannot be the case.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	ctx := context.WithValue(r.Context(), passageKey{}, p)
	h.relay.ServeHTTP(&relayWriter{ResponseWriter: w, metrics: h.metrics, passage: p}, r.WithContext(ctx))
}

// serveHub calls the hub, which must not believe a stranger's forwarding headers either. There is no hop between here and the
// hub, so those of a trusted proxy stay as they are.
func (h *Handler) serveHub(w http.ResponseWriter, r *http.Request) {
	h.metrics.hub.Add(1)
	believed := contains(h.cfg.TrustedNetworks, peer(r))
	if anyForged(r.Header, believed) {
		r = r.WithContext(r.Context())
		r.Header = r.Header.Clone()
		dropForged(r.Header, believed)
	}
	h.cfg.Hub.ServeHTTP(w, r)
}

// passage is what is known of one request on its way to a target.
type passage struct {
	entry     *Entry
	path      string // escaped, as it came
	webSocket bool
	socket    *socket     // once the target has switched protocols
	badBody   atomic.Bool // the client's body broke off or was malformed
}

type passageKey struct{}

func passageOf(r *http.Request) *passage {
	p, _ := r.Context().Value(passageKey{}).(*passage)
	return p
}

// asksWebSocket says whether a request asks for a WebSocket. No other protocol is ever switched to: h2c would let requests
// pass that nobody looks at.
func asksWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		len(r.Header["Upgrade"]) == 1 && hasToken(r.Header["Connection"], "upgrade")
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// rewrite makes the request for the target.
func (h *Handler) rewrite(pr *httputil.ProxyRequest) {
	in, out, p := pr.In, pr.Out, passageOf(pr.In)
	out.URL.Scheme, out.URL.Host = "http", p.entry.host
	setPath(out.URL, p.path)
	out.URL.RawQuery = in.URL.RawQuery // unparsable parts too
	if !p.webSocket {
		out.Header.Del("Connection")
		out.Header.Del("Upgrade")
	}
	out.Header.Del("Http2-Settings")
	setForwarded(out, in, h.cfg.TrustedNetworks, p.webSocket)
	if cookies := out.Header["Cookie"]; len(cookies) > 0 {
		if kept := h.cookies.filter(cookies, p.entry.route.Cookies); kept != "" {
			out.Header["Cookie"] = []string{kept}
		} else {
			delete(out.Header, "Cookie")
		}
	}
	if out.Body != nil {
		out.Body = &requestBody{ReadCloser: out.Body, passed: &h.metrics.in, live: p.entry.live, in: in, failed: &p.badBody}
		out.Trailer = in.Trailer // filled while the body is read
	}
}

// setPath makes the request line carry the path as it came. One that begins with "//" would be taken for a host; it goes out
// by way of its decoded form, in which only bytes that RFC 3986 forbids in a path are changed, to percent sequences.
func setPath(u *url.URL, path string) {
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path
		return
	}
	u.Opaque, u.RawPath = "", path
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path = decoded
	}
}

// receive looks at a target's answer before it goes to the client.
func (h *Handler) receive(res *http.Response) error {
	p := passageOf(res.Request)
	h.cookies.guardAnswer(res.Header, p.entry, p.path)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return h.switchTo(res, p)
	}
	body := &responseBody{ReadCloser: res.Body, passed: &h.metrics.out, res: res}
	if res.StatusCode < http.StatusMultipleChoices {
		p.entry.live.stamp()
		body.live = p.entry.live
	}
	dropSettings(res.Trailer)
	res.Body = body
	return nil
}

// switchTo takes a WebSocket in.
func (h *Handler) switchTo(res *http.Response, p *passage) error {
	conn, ok := res.Body.(io.ReadWriteCloser)
	if !ok || !p.webSocket || !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		return fmt.Errorf("the server switched to the protocol %.40q, which was not asked for", res.Header.Get("Upgrade"))
	}
	s, err := h.table.sockets.add(conn, p.entry.live)
	if err != nil {
		return err
	}
	s.in, s.out = &h.metrics.in, &h.metrics.out
	p.socket, res.Body = s, s
	h.metrics.answered(res.StatusCode)
	return nil
}
