// Package webtest shows every page of the hub with made-up data, for the eye, the browser test and the golden files.
package webtest

import (
	"net/http"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/web"
)

// Fixture is a page with made-up data.
type Fixture struct {
	Name   string // unique, usable in a file name and in an address
	About  string // what it shows
	Status int
	Page   func() web.Page // a fresh page each time
}

// Now is the time at which the fixtures happen.
func Now() time.Time { return time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC) }

const longName = "a_researcher_whose_name_goes_on_and_on_because_nobody_told_them_that_names_may_end_somewhere_0123456"

// hostile is what a page must show as text and never run.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

// ada is the frame of an ordinary user.
func ada() web.Frame { return web.Frame{User: "ada", XSRF: "MnwxOjB8MTA6fake"} }

// nobody is the frame of a page without sign-in.
func nobody() web.Frame { return web.Frame{XSRF: "MnwxOjB8MTA6fake"} }

func themed(f web.Frame, theme string) web.Frame {
	f.Theme = theme
	return f
}

// Fixtures gives every page in its states.
func Fixtures() []Fixture {
	var all []Fixture
	all = append(all, signInFixtures()...)
	all = append(all, homeFixtures()...)
	all = append(all, spawnFixtures()...)
	all = append(all, pendingFixtures()...)
	all = append(all, notRunningFixtures()...)
	all = append(all, tokenFixtures()...)
	all = append(all, adminFixtures()...)
	return append(all, errorFixtures()...)
}

func signInFixtures() []Fixture {
	kbase := func(session bool) *hub.SignInView {
		return &hub.SignInView{
			Service: "KBase", HasSession: session, LoginURL: "https://narrative.kbase.us/login?nextRequest=https%3A%2F%2Fhub.example.org%2Fhub%2Flogin",
			SwitchURL: "https://narrative.kbase.us/logout",
		}
	}
	return []Fixture{
		{"login-form", "sign-in with name and password", http.StatusOK, func() web.Page {
			return &web.LoginPage{Frame: nobody(), Next: "/user/ada/lab/tree/a b.ipynb?x=1&y=2"}
		}},
		{"login-form-failed", "a wrong password, over plain HTTP, with a one-time password", http.StatusForbidden, func() web.Page {
			return &web.LoginPage{Frame: nobody(), Username: "ada", Error: "Invalid username or password", OTP: true, InsecureHTTP: true}
		}},
		{"login-kbase", "KBase, no session yet", http.StatusOK, func() web.Page {
			return &web.LoginPage{Frame: nobody(), SignIn: kbase(false), TermsURL: "https://www.kbase.us/terms"}
		}},
		{"login-kbase-session", "KBase, with a session", http.StatusOK, func() web.Page {
			return &web.LoginPage{Frame: nobody(), SignIn: kbase(true), Next: "/hub/home"}
		}},
		{"login-kbase-failed", "KBase, the session is not valid", http.StatusUnauthorized, func() web.Page {
			return &web.LoginPage{Frame: themed(nobody(), "dark"), SignIn: kbase(true), Error: "KBase auth server reported token is invalid."}
		}},
		{"sessions", "the browsers in which a user is signed in", http.StatusOK, func() web.Page {
			return &web.SessionsPage{Frame: ada(), Sessions: []web.BrowserView{
				{ID: 7, Here: true, Browser: "Firefox on Linux", Address: "192.0.2.7", Created: Now().Add(-3 * time.Hour), LastSeen: Now()},
				{ID: 5, Browser: "Safari on iPhone", Address: "2001:db8::5", Created: Now().Add(-70 * time.Hour), LastSeen: Now().Add(-26 * time.Hour)},
				{ID: 3, Browser: hostile, Created: Now().Add(-200 * time.Hour), LastSeen: Now().Add(-100 * time.Hour)},
			}}
		}},
		{"logout", "signed out, servers go on", http.StatusOK, func() web.Page {
			return &web.LogoutPage{Frame: nobody(), ServersRunning: true, Service: "KBase", ServiceURL: "https://narrative.kbase.us/logout"}
		}},
		{"refused", "a role is missing", http.StatusForbidden, func() web.Page {
			return &web.RefusedPage{
				Frame: nobody(), Account: "ada", Service: "KBase", SwitchURL: "https://narrative.kbase.us/logout",
				Message: "Access denied. Your account requires one of the following roles: BERDL_USER, KBASE_ADMIN. Please contact the KBASE or BERDL administrators for assistance.",
			}
		}},
		{"mfa-required", "no second factor", http.StatusOK, func() web.Page {
			return &web.MFAPage{Frame: nobody(), Status: "NotUsed", ServiceURL: "https://narrative.kbase.us/logout"}
		}},
		{"mfa-required-hostile", "a status that somebody made up", http.StatusOK, func() web.Page {
			return &web.MFAPage{Frame: nobody(), Status: hostile, ServiceURL: "https://narrative.kbase.us/logout"}
		}},
	}
}

func server(name string, phase hub.Phase) web.ServerView {
	return web.ServerView{
		Key: hub.ServerKey{User: "ada", Server: name}, Phase: phase, URL: "/user/ada/" + name, LastActivity: Now().Add(-12 * time.Minute),
		Started: Now().Add(-3 * time.Hour),
	}
}

func homeFixtures() []Fixture {
	return []Fixture{
		{"home-new", "a user who never started a server", http.StatusOK, func() web.Page {
			return &web.HomePage{Frame: ada(), Default: web.ServerView{Key: hub.ServerKey{User: "ada"}, Phase: hub.Stopped, HasOptions: true}}
		}},
		{"home", "servers in every phase", http.StatusOK, func() web.Page {
			return homePage(ada())
		}},
		{"home-dark", "the same in the dark, for an administrator, while KBase auth is down", http.StatusOK, func() web.Page {
			f := themed(ada(), "dark")
			f.Admin = true
			f.Services = []web.ServiceLink{{Name: "Datalake", URL: "/services/datalake/"}}
			f.Banner = &web.Banner{Level: hub.Warning, Text: "KBase auth does not answer. You stay signed in and keep what you have until 18:40 UTC."}
			return homePage(f)
		}},
		{"home-hostile", "names that try to be script", http.StatusOK, func() web.Page {
			f := ada()
			f.User, f.Announcement = hostile, hostile
			s := server(hostile, hub.Ready)
			s.Key.User, s.Profile, s.Reason, s.URL = hostile, hostile, hostile, "javascript:alert(3)"
			return &web.HomePage{Frame: f, Default: s, Named: []web.ServerView{s}, NamedAllowed: true, NewName: hostile, NewError: hostile}
		}},
		{"home-opened", "somebody went into the servers", http.StatusOK, func() web.Page {
			return &web.HomePage{Frame: ada(), Default: server("", hub.Ready), Openings: []web.Opening{
				{By: "root", At: Now().Add(-time.Hour), Reason: "You asked why the kernel dies."}, {By: "mary", Server: "phylo", At: Now().Add(-30 * time.Hour), Reason: hostile},
			}}
		}},
		{"home-shared", "servers of others", http.StatusOK, func() web.Page {
			return &web.HomePage{Frame: ada(), Default: server("", hub.Ready), Shared: []web.SharedServer{
				{Key: hub.ServerKey{User: "grace"}, URL: "/user/grace/", Running: true}, {Key: hub.ServerKey{User: "mary", Server: "phylo"}, URL: "/user/mary/phylo/"},
			}}
		}},
		{"home-long", "long names, limit reached", http.StatusOK, func() web.Page {
			f := ada()
			f.User = longName
			s := server(strings.Repeat("analysis-of-everything-", 4), hub.Stopped)
			s.Key.User = longName
			return &web.HomePage{Frame: f, Default: server("", hub.Ready), Named: []web.ServerView{s}, NamedAllowed: true, NamedLimit: 1}
		}},
	}
}

func homePage(f web.Frame) web.Page {
	failed := server("genomes", hub.Failed)
	failed.Reason = "The server did not answer within 2 minutes. Try again, or choose a smaller profile."
	running := server("", hub.Ready)
	running.Profile = "Medium"
	fresh := server("soil-2026", hub.Stopped)
	fresh.LastActivity = time.Time{}
	return &web.HomePage{
		Frame: f, Default: running, NamedAllowed: true, NamedLimit: 8, NewName: "soil 2026/", NewError: "A server name cannot hold a slash. Use letters, digits, - and _.",
		Named: []web.ServerView{server("metagenome", hub.Ready), server("phylo", hub.Starting), server("spark-test", hub.Stopping), failed, fresh},
	}
}

func errorFixtures() []Fixture {
	page := func(status int, message string) func() web.Page {
		return func() web.Page {
			return &web.ErrorPage{Frame: ada(), Status: status, Message: message, RequestID: "5f1b0c2d3e4f5a6b"}
		}
	}
	return []Fixture{
		{"error-400", "a request that is wrong", http.StatusBadRequest, page(http.StatusBadRequest, "Invalid argument: the profile “huge” does not exist")},
		{"error-401", "nobody is signed in", http.StatusUnauthorized, func() web.Page {
			return &web.ErrorPage{Frame: nobody(), Status: http.StatusUnauthorized}
		}},
		{"error-403", "may not", http.StatusForbidden, page(http.StatusForbidden, "")},
		{"error-404", "nothing here", http.StatusNotFound, page(http.StatusNotFound, "No such user: "+hostile)},
		{"error-429", "too many", http.StatusTooManyRequests, func() web.Page {
			return &web.ErrorPage{Frame: ada(), Status: http.StatusTooManyRequests, Message: "You have 3 running servers, and no more are allowed.", Retry: 90 * time.Second}
		}},
		{"error-500", "our fault", http.StatusInternalServerError, page(http.StatusInternalServerError, "")},
		{"error-503", "something does not answer", http.StatusServiceUnavailable, func() web.Page {
			f := themed(ada(), "dark")
			return &web.ErrorPage{Frame: f, Status: http.StatusServiceUnavailable, Message: "Your server appears to be down."}
		}},
	}
}
