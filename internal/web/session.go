package web

import (
	"cmp"
	"strings"
	"time"
)

// SessionsPage lists the browsers in which a user is signed in.
type SessionsPage struct {
	Frame
	Sessions []BrowserView // the one that was seen last first
}

func (*SessionsPage) template() string { return "sessions" }

// BrowserView is a browser in which the user is signed in.
type BrowserView struct {
	ID                         int64
	Here                       bool   // the browser that the page is shown in
	Browser                    string // in words
	Address                    string // empty: not known
	Created, LastSeen, Expires time.Time
}

// marks are parts of a User-Agent in the order in which they are looked for: many browsers name others, too.
var (
	browserMarks = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chromium/", "Chromium"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
		{"python", "a Python program"},
	}
	systemMarks = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// BrowserInWords gives the browser and the system that a User-Agent names, for example Firefox on Linux. What it does not know
// is not repeated: anybody can write anything there.
func BrowserInWords(agent string) string {
	browser, system := mark(agent, browserMarks), mark(agent, systemMarks)
	switch {
	case browser == "" && system == "":
		return "unknown browser"
	case system == "":
		return browser
	default:
		return cmp.Or(browser, "a browser") + " on " + system
	}
}

func mark(agent string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(agent, m[0]) {
			return m[1]
		}
	}
	return ""
}
