package kbasetest

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// The cookies that KBase's login sets.
var cookieNames = []string{"kbase_session", "kbase_session_backup"}

const pageHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%[1]s</title>
<style>body{font:1rem/1.5 sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}
button{font:inherit;display:block;width:100%%;margin:.5rem 0;padding:.6rem;text-align:left}</style></head>
<body><main><h1>%[1]s</h1>
<p>This page stands in for KBase. It knows no passwords: whoever you choose, you are.</p>
`

const pageTail = "</main></body></html>\n"

// showLogin is KBase's login page: a button for each account.
func (k *KBase) showLogin(w http.ResponseWriter, r *http.Request) {
	next := r.URL.Query().Get("nextRequest")
	var page strings.Builder
	fmt.Fprintf(&page, pageHead, "Sign in to KBase (stand-in)")
	fmt.Fprintf(&page, "<form method=\"post\" action=\"login\">\n<input type=\"hidden\" name=\"nextRequest\" value=\"%s\">\n", html.EscapeString(next))
	for _, a := range k.list() {
		name := html.EscapeString(a.Name)
		fmt.Fprintf(&page, "<button type=\"submit\" name=\"user\" value=\"%[1]s\" id=\"user-%[1]s\">%[2]s &mdash; %[1]s</button>\n", name, html.EscapeString(a.Display))
	}
	page.WriteString("</form>\n" + pageTail)
	say(w, http.StatusOK, "text/html; charset=utf-8", page.String())
}

// login gives the browser a session of the chosen account and sends it back to where it came from.
func (k *KBase) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	token := k.Login(r.PostFormValue("user"))
	if token == "" {
		say(w, http.StatusBadRequest, "text/plain; charset=utf-8", "KBase knows no such account.\n")
		return
	}
	for _, name := range cookieNames {
		http.SetCookie(w, k.cookie(name, token, 14*24*3600))
	}
	next, err := url.Parse(r.PostFormValue("nextRequest"))
	if err != nil || (next.Scheme != "http" && next.Scheme != "https") || next.Host == "" {
		page := fmt.Sprintf(pageHead, "Signed in to KBase (stand-in)") + "<p><a href=\"logout\">Sign out</a></p>\n" + pageTail
		say(w, http.StatusOK, "text/html; charset=utf-8", page)
		return
	}
	http.Redirect(w, r, next.String(), http.StatusSeeOther)
}

// logout ends the browser's session.
func (k *KBase) logout(w http.ResponseWriter, r *http.Request) {
	for _, name := range cookieNames {
		if c, err := r.Cookie(name); err == nil {
			k.Revoke(c.Value)
		}
		http.SetCookie(w, k.cookie(name, "", -1))
	}
	page := fmt.Sprintf(pageHead, "Signed out of KBase (stand-in)") + "<p><a href=\"login\">Sign in again</a></p>\n" + pageTail
	say(w, http.StatusOK, "text/html; charset=utf-8", page)
}

// cookie has KBase's attributes: scripts of its pages read it, so it is not HttpOnly.
func (k *KBase) cookie(name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Domain: k.domain, MaxAge: maxAge, SameSite: http.SameSiteLaxMode}
}
