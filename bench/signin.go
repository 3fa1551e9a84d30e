package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// userAgent is sent by clients that act as browsers; hubs tie the page's _xsrf token to it.
const userAgent = "User-Agent: Mozilla/5.0 (bench)\r\n"

// cookieHeader is the header line with all cookies of jar.
func cookieHeader(jar map[string]string) string {
	var b strings.Builder
	b.WriteString("Cookie: ")
	sep := ""
	for name, value := range jar {
		b.WriteString(sep + name + "=" + value)
		sep = "; "
	}
	return b.String() + "\r\n"
}

// signIn does what a browser without cookies does: read the page, send the form. It gives the cookies.
func signIn(ctx context.Context, c *conn, name string) (map[string]string, error) {
	page, err := c.want(ctx, 200, "GET", "/hub/login", userAgent, nil)
	if err != nil {
		return nil, err
	}
	jar := map[string]string{}
	page.cookies(jar)
	if jar["_xsrf"] == "" {
		return nil, fmt.Errorf("GET /hub/login: %w: no cookie _xsrf", errOther)
	}
	form := url.Values{"username": {name}, "password": {password}, "_xsrf": {jar["_xsrf"]}}.Encode()
	header := userAgent + cookieHeader(jar) + "Content-Type: application/x-www-form-urlencoded\r\n"
	done, err := c.want(ctx, 302, "POST", "/hub/login", header, []byte(form))
	if err != nil {
		return nil, err
	}
	done.cookies(jar)
	if jar["jupyterhub-hub-login"] == "" {
		return nil, fmt.Errorf("POST /hub/login: %w: no cookie jupyterhub-hub-login", errOther)
	}
	return jar, nil
}

// signIns lets users sign in, each time another one with a new browser.
func (r *running) signIns(ctx context.Context, users int, spell time.Duration) (sample, error) {
	const clients = 8
	return load(ctx, r.public, clients, spell, func(c *conn, client int) func(context.Context) error {
		n := client
		return func(ctx context.Context) error {
			_, err := signIn(ctx, c, userName(n%users))
			n += clients
			return err
		}
	})
}
