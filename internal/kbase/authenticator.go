// Package kbase signs people in by their KBase session: the browser brings KBase's cookie, and KBase's auth service says whose it is.
package kbase

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// The cookies in which a browser brings its KBase session, in the order in which they are tried.
const (
	SessionCookie = "kbase_session"
	BackupCookie  = "kbase_session_backup"
)

// DefaultTimeout bounds the questions to KBase's auth service for one session.
const DefaultTimeout = 5 * time.Second

// maxSessions bounds how many different sessions of one request are tried.
const maxSessions = 4

// Config says where KBase is and who may come in.
type Config struct {
	AuthURL       string        // KBASE_AUTH_URL: address of the auth service, ends in "/"
	Origin        string        // KBASE_ORIGIN: address of KBase's own pages, with its scheme
	ApprovedRoles []string      // APPROVED_ROLES: one of these KBase roles is needed to come in; exact case
	AdminRoles    []string      // AUTH_FULL_ADMIN_ROLES: each of these KBase roles makes an admin; exact case
	Timeout       time.Duration // 0: DefaultTimeout

	// HubURL gives the public address of the hub for a request, such as https://hub.example.org/hub/; it is where KBase sends people
	// back to. Nil: the host that the browser asked for, with /hub/.
	HubURL func(r *http.Request) string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Validate reports every fault of the settings at once, by their names.
func (c *Config) Validate() error {
	var faults []error
	if err := checkURL(c.AuthURL); err != nil {
		faults = append(faults, fmt.Errorf("KBASE_AUTH_URL: %w", err))
	} else if !strings.HasSuffix(c.AuthURL, "/") {
		faults = append(faults, fmt.Errorf("KBASE_AUTH_URL: %q must end in a slash, as in https://kbase.us/services/auth/", c.AuthURL))
	}
	if err := checkURL(c.Origin); err != nil {
		faults = append(faults, fmt.Errorf("KBASE_ORIGIN: %w", err))
	}
	if len(cleanRoles(c.ApprovedRoles)) == 0 {
		faults = append(faults, errors.New("APPROVED_ROLES: names no KBase role, so nobody could sign in; give at least one"))
	}
	if c.Timeout < 0 {
		faults = append(faults, fmt.Errorf("the time limit for KBase sign-in is negative: %s", c.Timeout))
	}
	return errors.Join(faults...)
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return fmt.Errorf("%q is not an address with http:// or https:// and a host", raw)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("%q must have no user, query or fragment", u.Redacted())
	default:
		return nil
	}
}

// Authenticator asks KBase's auth service who a browser is. It is safe for concurrent use.
type Authenticator struct {
	origin   string
	approved []string // sorted
	admin    []string // sorted
	timeout  time.Duration
	hubURL   func(r *http.Request) string
	now      func() time.Time
	service  *service
}

// New makes an Authenticator, or reports every fault of the settings.
func New(c Config) (*Authenticator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a := &Authenticator{
		origin:   strings.TrimRight(c.Origin, "/"),
		approved: cleanRoles(c.ApprovedRoles),
		admin:    cleanRoles(c.AdminRoles),
		timeout:  cmp.Or(c.Timeout, DefaultTimeout),
		hubURL:   c.HubURL,
		now:      c.Now,
		service:  newService(c.AuthURL),
	}
	if a.hubURL == nil {
		a.hubURL = sameHost
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a, nil
}

// Close gives the idle connections to the auth service back.
func (a *Authenticator) Close() { a.service.client.CloseIdleConnections() }

// cleanRoles trims, sorts and removes empty and repeated roles. Their case stays: KBase roles are exact.
func cleanRoles(roles []string) []string {
	var out []string
	for _, r := range roles {
		if r = strings.TrimSpace(r); r != "" {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Fingerprint names a KBase session without giving it away: SHA-256 of the token in hex.
func Fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// SignIn says whose KBase session the request brings. A session that KBase calls invalid gives way to the backup cookie;
// any other answer counts.
func (a *Authenticator) SignIn(ctx context.Context, r *http.Request) (*hub.Identity, error) {
	tokens := sessions(r)
	if len(tokens) == 0 {
		return nil, hub.Errorf(hub.Unauthorized, "Authentication required - missing kbase_session and kbase_session_backup cookie.")
	}
	var first error
	for _, token := range tokens {
		id, err := a.identify(ctx, token)
		if err == nil {
			return id, nil
		}
		if hub.CodeOf(err) != hub.Unauthorized {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Probe asks whether KBase's auth service answers at all, without a session: what it says of one that is missing is enough.
// Errors: Unavailable when it does not answer, or answers as something else would.
func (a *Authenticator) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.service.probe(ctx)
}

// sessions lists the different KBase sessions of a request, the main cookie's first.
func sessions(r *http.Request) []string {
	var out []string
	for _, name := range []string{SessionCookie, BackupCookie} {
		for _, c := range r.CookiesNamed(name) {
			if c.Value != "" && len(out) < maxSessions && !slices.Contains(out, c.Value) {
				out = append(out, c.Value)
			}
		}
	}
	return out
}

// SessionOf gives the fingerprint of the KBase session that a browser brings first, without asking KBase; empty when there is none.
func (a *Authenticator) SessionOf(r *http.Request) string {
	tokens := sessions(r)
	if len(tokens) == 0 {
		return ""
	}
	return Fingerprint(tokens[0])
}

// Refresh asks KBase whether the session that an identity came from still holds.
func (a *Authenticator) Refresh(ctx context.Context, id *hub.Identity) (*hub.Identity, error) {
	token, _ := id.State["kbase_token"].(string)
	if token == "" {
		return nil, hub.Errorf(hub.Unauthorized, "The hub keeps no KBase session for you. Please sign in again.")
	}
	fresh, err := a.identify(ctx, token)
	if err != nil {
		return nil, err
	}
	if fresh.Name != id.Name {
		return nil, hub.Errorf(hub.Unauthorized, "Your KBase session belongs to another account now. Please sign in again.")
	}
	if same(fresh, id) {
		return nil, nil
	}
	return fresh, nil
}

func same(fresh, old *hub.Identity) bool {
	return old.Admin != nil && *old.Admin == *fresh.Admin &&
		old.Session == fresh.Session &&
		(old.Groups == nil || slices.Equal(old.Groups, fresh.Groups)) &&
		old.State["token_expires"] == fresh.State["token_expires"] &&
		old.State["mfa_status"] == fresh.State["mfa_status"]
}

// identify asks KBase about one session and applies our own rules to the answer. The account's KBase roles are its groups.
func (a *Authenticator) identify(ctx context.Context, token string) (*hub.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	acc, err := a.service.account(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := a.admit(acc); err != nil {
		return nil, err
	}
	admin := intersects(a.admin, acc.roles)
	id := &hub.Identity{
		Name:    acc.user,
		Admin:   &admin,
		Groups:  cleanRoles(acc.roles),
		Session: Fingerprint(token),
		Expires: acc.expires,
		State:   map[string]any{"kbase_token": token, "token_expires": nil, "mfa_status": acc.mfa},
	}
	if !acc.expires.IsZero() {
		id.State["token_expires"] = acc.expires.Format("2006-01-02T15:04:05.999999-07:00")
	}
	return id, nil
}

// admit says whether an account may come in: its session lives, its name can be one here, it has a role and used a second factor.
func (a *Authenticator) admit(acc *account) error {
	if !acc.expires.IsZero() && !a.now().Before(acc.expires) {
		return hub.Errorf(hub.Unauthorized, "Your KBase session has expired. Please log in to KBase again.")
	}
	if reserved[acc.user] {
		return hub.Errorf(hub.Forbidden, "The name %q is reserved here and cannot sign in. Please contact the KBASE or BERDL administrators for another account name.", acc.user)
	}
	if !validName(acc.user) {
		return badAnswer(fmt.Errorf("user name %.120q is not a KBase name", acc.user))
	}
	if !intersects(a.approved, acc.roles) {
		return hub.Errorf(hub.Forbidden,
			"Access denied. Your account requires one of the following roles: %s. Please contact the KBASE or BERDL administrators for assistance.",
			strings.Join(a.approved, ", "))
	}
	if acc.mfa != "Used" {
		return hub.Wrap(hub.Forbidden, &hub.MFARequired{Status: acc.mfa},
			"KBase reports that you logged in without a second factor. Please turn it on at your login provider and log in to KBase again.")
	}
	return nil
}

// intersects tells whether one of the wanted roles (sorted) is held.
func intersects(wanted, held []string) bool {
	return slices.ContainsFunc(held, func(r string) bool {
		_, found := slices.BinarySearch(wanted, r)
		return found
	})
}

// reserved names would meet paths and names that are the hub's own.
var reserved = map[string]bool{"global_share": true, "root": true, "hub": true, "public": true, ".": true, "..": true}

// validName tells whether KBase could have given a name: a letter, then letters, digits and underscores, at most 100, all lower case.
func validName(name string) bool {
	if name == "" || len(name) > 100 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return !strings.ContainsFunc(name, func(c rune) bool { return c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') })
}
