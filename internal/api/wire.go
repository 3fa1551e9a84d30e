package api

import (
	"encoding/json"
	"strconv"
	"time"

	"berdlhub/internal/hub"
)

// stamp gives a time as JupyterHub does: UTC with microseconds, which are left out when they are 0; null when unset.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000000Z")
}

// moment reads a time that somebody sent: ISO 8601, another zone is turned into UTC, none counts as UTC.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04", "2006-01-02",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, hub.Errorf(hub.Invalid, "Not a valid timestamp: '%s'", clip(text))
}

// orNull gives null for nothing.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func raw(j json.RawMessage) any {
	if len(j) == 0 {
		return nil
	}
	return j
}

type object = map[string]any

// origin is scheme and host of the public URL, if it is known.
func (a *API) origin() string {
	if len(a.cfg.PublicURL) < len(a.cfg.BaseURL) {
		return ""
	}
	return a.cfg.PublicURL[:len(a.cfg.PublicURL)-len(a.cfg.BaseURL)]
}

// tokenID is a token's id in the API: "a" and the row's number.
func tokenID(t *hub.Token) string { return "a" + strconv.FormatInt(t.ID, 10) }
