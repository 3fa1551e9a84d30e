package conformance_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what counts of a reply: facts by name, in which what must differ between two hubs (times, ids, secrets, places) has
// been replaced.
type answer map[string]string

// comparedHeaders are those that clients rely on.
var comparedHeaders = []string{
	"Content-Type", "Location", "Allow", "Cache-Control", "Content-Security-Policy", "X-Jupyterhub-Version",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Allow-Credentials",
	"Retry-After", "Www-Authenticate", "Pragma", "Content-Disposition", "X-Conformance",
}

// newAnswer gathers the facts of a reply.
func newAnswer(resp *http.Response, body []byte, shows []string, clean func(string) string) answer {
	a := answer{"status": strconv.Itoa(resp.StatusCode)}
	for _, name := range comparedHeaders {
		if redirect := resp.StatusCode >= 300 && resp.StatusCode < 400; redirect && name != "Location" && name != "Cache-Control" {
			continue // a redirect has no content to tell of
		}
		if values := resp.Header.Values(name); len(values) > 0 {
			a["header "+name] = clean(strings.Join(values, ", "))
			if _, err := strconv.Atoi(values[0]); err == nil {
				a["header "+name] = "SECONDS"
			}
		}
	}
	if resp.Header.Get("Etag") != "" {
		a["header Etag"] = "present"
	}
	for _, c := range resp.Cookies() {
		a.addCookie(c)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
	case len(body) == 0:
		a["body"] = "empty"
	case kind == "application/json":
		a.addJSON("body", body, clean)
	case kind == "text/event-stream":
		a.addEvents(string(body), clean)
	case kind == "text/html":
		a["body"] = "a page"
	case strings.Contains(string(body), "\n# TYPE ") || strings.HasPrefix(string(body), "# "):
		a.addMetrics(string(body))
	case kind == "text/plain":
		a["body"] = clean(string(body))
	default:
		a["body"] = "bytes"
	}
	if a["body.status"] == a["status"] {
		delete(a, "body.status") // an error's model says it once more
	}
	for _, text := range shows {
		a["page shows "+text] = strconv.FormatBool(strings.Contains(string(body), text))
	}
	return a
}

// addCookie says how long a cookie lasts and whom it is sent to; not what is in it.
func (a answer) addCookie(c *http.Cookie) {
	name := "cookie " + c.Name
	lifetime := time.Until(c.Expires)
	if c.MaxAge > 0 {
		lifetime = time.Duration(c.MaxAge) * time.Second
	}
	switch {
	case c.MaxAge < 0 || (!c.Expires.IsZero() && lifetime < 0):
		a[name] = "cleared"
	case c.MaxAge == 0 && c.Expires.IsZero():
		a[name] = "for the session"
	default:
		a[name] = "for " + lifetime.Round(time.Hour).String()
	}
	a[name+" Path"] = c.Path
	if c.Domain != "" {
		a[name+" Domain"] = c.Domain
	}
	if a[name] == "cleared" {
		return
	}
	if c.HttpOnly {
		a[name+" HttpOnly"] = "yes"
	}
	if c.Secure {
		a[name+" Secure"] = "yes"
	}
	same := map[http.SameSite]string{http.SameSiteLaxMode: "Lax", http.SameSiteStrictMode: "Strict", http.SameSiteNoneMode: "None"}[c.SameSite]
	if same != "" {
		a[name+" SameSite"] = same
	}
}

// addJSON gives each value its own fact, named by its path.
func (a answer) addJSON(name string, text []byte, clean func(string) string) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		a[name] = "no JSON: " + clean(string(text))
		return
	}
	a.addValue(name, value, clean)
}

func (a answer) addValue(name string, value any, clean func(string) string) {
	key := name[strings.LastIndex(name, ".")+1:]
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			a[name] = "{}"
		}
		for k, inner := range v {
			a.addValue(name+"."+clean(k), inner, clean)
		}
	case []any:
		a.addList(name, v, clean)
	case string:
		a[name] = strconv.Quote(cleanValue(key, clean(v)))
	case float64:
		a[name] = strconv.FormatFloat(v, 'f', -1, 64)
		if key == "pid" && v > 0 {
			a[name] = "PID"
		}
	default:
		a[name] = fmt.Sprint(v) // true, false, <nil>
	}
}

// addList gives a list of strings one fact, since their order says nothing; another list one fact for each item.
func (a answer) addList(name string, list []any, clean func(string) string) {
	var words []string
	if strings.HasSuffix(name, ".api_tokens") {
		slices.SortFunc(list, byNote) // the order is that of their last use, which depends on the moment
	}
	for i, inner := range list {
		if word, ok := inner.(string); ok {
			words = append(words, strconv.Quote(clean(word)))
			continue
		}
		a.addValue(fmt.Sprintf("%s[%d]", name, i), inner, clean)
	}
	slices.Sort(words)
	if len(words) == len(list) {
		a[name] = "[" + strings.Join(words, ", ") + "]"
	}
}

// byNote puts tokens in an order that is the same for both hubs.
func byNote(x, y any) int {
	key := func(v any) string {
		token, _ := v.(map[string]any)
		scopes, _ := token["scopes"].([]any)
		return fmt.Sprint(token["note"], token["oauth_client"], 1000+len(scopes))
	}
	return strings.Compare(key(x), key(y))
}

// addEvents gives the first and the last event; what comes between is the spawner's own story.
func (a answer) addEvents(text string, clean func(string) string) {
	var all []string
	for frame := range strings.SplitSeq(text, "\n\n") {
		if data, ok := strings.CutPrefix(strings.TrimSpace(frame), "data: "); ok {
			all = append(all, data)
		}
	}
	if len(all) > 1 {
		a.addJSON("first event", []byte(all[0]), clean)
	}
	if len(all) > 0 {
		a.addJSON("last event", []byte(all[len(all)-1]), clean)
	}
}

// addMetrics gives the type of each metric that is the hub's own.
func (a answer) addMetrics(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		var name, kind string
		if n, _ := fmt.Sscanf(line, "# TYPE %s %s", &name, &kind); n == 2 && strings.HasPrefix(name, "jupyterhub_") && !strings.HasSuffix(name, "_created") {
			a["metric "+name] = kind
		}
	}
}

// What differs between any two hubs.
var (
	timestamp   = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)?`)
	hex32       = regexp.MustCompile(`^[0-9a-f]{32}$`)
	hex64       = regexp.MustCompile(`[0-9a-f]{64}`)
	code43      = regexp.MustCompile(`^[0-9A-Za-z_-]{43}$`)
	letters30   = regexp.MustCompile(`^[0-9A-Za-z]{30}$`)
	codeQuery   = regexp.MustCompile(`\bcode=[0-9A-Za-z_-]{20,}`)
	escapedCode = regexp.MustCompile(`code%3D[0-9A-Za-z_-]{20,}`)
	xsrfQuery   = regexp.MustCompile(`\b_xsrf=[^&"]{20,}`)
	tokenID     = regexp.MustCompile(`\ba\d+\b`)
	codeID      = regexp.MustCompile(`\bsc_\d+\b`)
	moment      = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z$`)
)

// cleanValue replaces what differs in one value of a JSON body, and says the form that it has.
func cleanValue(key, value string) string {
	switch {
	case moment.MatchString(value):
		return "TIME"
	case hex32.MatchString(value):
		return "32 HEX DIGITS"
	case code43.MatchString(value):
		return "43 LETTERS"
	case letters30.MatchString(value):
		return "30 LETTERS"
	case key == "message" || key == "id" || key == "token_id":
		value = tokenID.ReplaceAllString(value, "aN")
		value = codeID.ReplaceAllString(value, "sc_N")
		value = timestamp.ReplaceAllString(value, "TIME")
	}
	if key == "target" && strings.HasPrefix(value, "http://127.0.0.1:") {
		return "http://127.0.0.1:PORT"
	}
	if key == "scope" {
		words := strings.Fields(value)
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	if key == "url" {
		if u, err := url.Parse(value); err == nil && u.RawQuery != "" {
			u.RawQuery = u.Query().Encode() // the order says nothing
			value = u.String()
		}
	}
	return codeQuery.ReplaceAllString(value, "code=CODE")
}

// differences lists the facts that two answers do not share. Of answers to another effect (a success and an error, say) that
// is all that is told.
func differences(reference, own answer) []string {
	var found []string
	if r, o := reference["status"], own["status"]; r != o && r[0] != o[0] && (r[0] != '5' || o[0] != '4') {
		return []string{fmt.Sprintf("status: %s → %s", r, o)}
	}
	for name, was := range reference {
		is, ok := own[name]
		if !ok {
			is = "absent"
		}
		if was != is {
			found = append(found, fmt.Sprintf("%s: %s → %s", name, was, is))
		}
	}
	for name, is := range own {
		if _, ok := reference[name]; !ok {
			found = append(found, fmt.Sprintf("%s: absent → %s", name, is))
		}
	}
	slices.Sort(found)
	return found
}
