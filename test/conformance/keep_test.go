//go:build e2e

package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// keep finds a value in a reply: `Location ?NAME`, `cookie NAME`, or a path into the JSON body. What is missing is empty.
func keep(what string, resp *http.Response, body []byte) string {
	if name, ok := strings.CutPrefix(what, "Location ?"); ok {
		u, err := url.Parse(resp.Header.Get("Location"))
		if err != nil {
			return ""
		}
		return u.Query().Get(name)
	}
	if name, ok := strings.CutPrefix(what, "cookie "); ok {
		for _, c := range resp.Cookies() {
			if c.Name == name {
				return c.Value
			}
		}
		return ""
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return ""
	}
	for part := range strings.SplitSeq(what, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return ""
			}
			value = v[i]
		default:
			return ""
		}
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}
