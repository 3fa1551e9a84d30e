package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Users and their names.
const usersARequest = 500

func userName(n int) string { return fmt.Sprintf("user-%05d", n) }

// bearer is the header of a request with an API token.
func bearer(token string) string { return "Authorization: Bearer " + token + "\r\n" }

// createUsers makes all users through the API and gives users a second.
func (r *running) createUsers(ctx context.Context, users int) (float64, error) {
	c := &conn{address: r.public, timeout: 4 * requestTimeout}
	defer c.shut()
	from := time.Now()
	for at := 0; at < users; at += usersARequest {
		names := make([]string, 0, usersARequest)
		for n := at; n < min(at+usersARequest, users); n++ {
			names = append(names, userName(n))
		}
		body, err := json.Marshal(map[string]any{"usernames": names})
		if err != nil {
			return 0, err
		}
		if _, err := c.want(ctx, 201, "POST", "/hub/api/users", bearer(r.token), body); err != nil {
			return 0, err
		}
	}
	return float64(users) / time.Since(from).Seconds(), nil
}

// createToken makes an API token of a user.
func (r *running) createToken(ctx context.Context, name string) (string, error) {
	c := &conn{address: r.public, timeout: requestTimeout}
	defer c.shut()
	a, err := c.want(ctx, 201, "POST", "/hub/api/users/"+name+"/tokens", bearer(r.token), []byte(`{"note":"bench"}`))
	if err != nil {
		return "", err
	}
	var made struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(a.body, &made); err != nil || made.Token == "" {
		return "", fmt.Errorf("%w: a token without a value (%w)", errOther, err)
	}
	return made.Token, nil
}

// createTokens makes an API token for each of the first n users, and gives the headers that carry them.
func (r *running) createTokens(ctx context.Context, n int) ([]string, error) {
	headers := make([]string, n)
	for i := range headers {
		token, err := r.createToken(ctx, userName(i))
		if err != nil {
			return nil, err
		}
		headers[i] = bearer(token)
	}
	return headers, nil
}

// whoAmI asks what every single-user server asks about its visitors: whose is this token?
func (r *running) whoAmI(ctx context.Context, headers []string, spell time.Duration) (sample, error) {
	const clients = 16
	return load(ctx, r.private, clients, spell, func(c *conn, client int) func(context.Context) error {
		n := client
		return func(ctx context.Context) error {
			_, err := c.want(ctx, 200, "GET", "/hub/api/user", headers[n%len(headers)], nil)
			n += clients
			return err
		}
	})
}

// oneUser reads users one by one, each client its own part of them.
func (r *running) oneUser(ctx context.Context, users int, spell time.Duration) (sample, error) {
	const clients = 16
	header := bearer(r.token)
	return load(ctx, r.public, clients, spell, func(c *conn, client int) func(context.Context) error {
		n := client
		return func(ctx context.Context) error {
			_, err := c.want(ctx, 200, "GET", "/hub/api/users/"+userName(n%users), header, nil)
			n += clients
			return err
		}
	})
}

// listUsers reads the first page of 200 users.
func (r *running) listUsers(ctx context.Context, spell time.Duration) (sample, error) {
	header := bearer(r.token)
	return load(ctx, r.public, 4, spell, func(c *conn, _ int) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.want(ctx, 200, "GET", "/hub/api/users?limit=200", header, nil)
			return err
		}
	})
}

// activity reports that users were active just now, as their servers do: each with a token of his own.
func (r *running) activity(ctx context.Context, headers []string, spell time.Duration) (sample, error) {
	const clients = 16
	return load(ctx, r.private, clients, spell, func(c *conn, client int) func(context.Context) error {
		n := client
		return func(ctx context.Context) error {
			user := n % len(headers)
			body := time.Now().UTC().AppendFormat([]byte(`{"last_activity":"`), "2006-01-02T15:04:05.000000Z")
			path := "/hub/api/users/" + userName(user) + "/activity"
			_, err := c.want(ctx, 200, "POST", path, headers[user]+"Content-Type: application/json\r\n", append(body, `"}`...))
			n += clients
			return err
		}
	})
}

// adminPage opens the administration's page as a browser does that has signed in. JupyterHub's page asks the API for the first
// users before it shows anything; ours has them.
func (r *running) adminPage(ctx context.Context, spell time.Duration) (sample, error) {
	first := &conn{address: r.public, timeout: requestTimeout}
	defer first.shut()
	jar, err := signIn(ctx, first, admin)
	if err != nil {
		return sample{}, err
	}
	header := userAgent + cookieHeader(jar)
	return load(ctx, r.public, 4, spell, func(c *conn, _ int) func(context.Context) error {
		return func(ctx context.Context) error {
			if _, err := c.want(ctx, 200, "GET", "/hub/admin", header, nil); err != nil || r.side.name != jupyterhub {
				return err
			}
			_, err := c.want(ctx, 200, "GET", "/hub/api/users?include_stopped_servers&offset=0&limit=50", header+"Accept: application/jupyterhub-pagination+json\r\n", nil)
			return err
		}
	})
}
