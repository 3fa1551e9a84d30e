package local

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"slices"
	"strings"

	"berdlhub/internal/hub"
)

func errPassword() error { return hub.Errorf(hub.Unauthorized, "Invalid username or password") }

// credentials reads the sign-in form. The name is stripped and lower-cased here as well as by the caller,
// so that a rule about a name cannot be passed by another spelling of it.
func credentials(r *http.Request) (name, password string) {
	return normalize(r.PostFormValue("username")), r.PostFormValue("password")
}

func normalize(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// equal compares in a time that does not depend on what is equal.
func equal(want hub.Secret, got string) bool {
	a, b := sha256.Sum256([]byte(want.Reveal())), sha256.Sum256([]byte(got))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Dummy lets everybody in under any name: for tests and demonstrations. It follows JupyterHub's DummyAuthenticator.
type Dummy struct {
	Password hub.Secret // empty: any password will do
}

// SignIn reads the sign-in form. A wrong password or an empty name is Unauthorized.
func (d *Dummy) SignIn(_ context.Context, r *http.Request) (*hub.Identity, error) {
	name, password := credentials(r)
	if name == "" || (d.Password != "" && !equal(d.Password, password)) {
		return nil, errPassword()
	}
	return &hub.Identity{Name: name}, nil
}

// Refresh finds nothing changed, always.
func (d *Dummy) Refresh(context.Context, *hub.Identity) (*hub.Identity, error) { return nil, nil }

// Null lets nobody in. It follows JupyterHub's NullAuthenticator: for hubs that are used by their API only.
type Null struct{}

// SignIn is always Unauthorized.
func (Null) SignIn(context.Context, *http.Request) (*hub.Identity, error) {
	return nil, hub.Errorf(hub.Unauthorized, "Nobody can sign in to this hub; it is used through its API.")
}

// Refresh finds nothing changed, always.
func (Null) Refresh(context.Context, *hub.Identity) (*hub.Identity, error) { return nil, nil }

// The lengths that SharedPassword demands, in bytes, as JupyterHub does.
const (
	minUserPassword  = 8
	minAdminPassword = 32
)

// SharedPassword has one password for all users and another for the admins. It follows JupyterHub's SharedPasswordAuthenticator.
type SharedPassword struct {
	user, admin hub.Secret
	admins      []string
}

// NewSharedPassword makes a SharedPassword. An empty password lets nobody of that kind in. Passwords that are short or equal are an error.
func NewSharedPassword(userPassword, adminPassword hub.Secret, admins []string) (*SharedPassword, error) {
	s := &SharedPassword{user: userPassword, admin: adminPassword}
	for _, name := range admins {
		s.admins = append(s.admins, normalize(name))
	}
	var faults []error
	if userPassword == "" && adminPassword == "" {
		faults = append(faults, errors.New("c.SharedPasswordAuthenticator: neither user_password nor admin_password is set, so nobody could sign in"))
	}
	if userPassword != "" && len(userPassword) < minUserPassword {
		faults = append(faults, errors.New("c.SharedPasswordAuthenticator.user_password: needs at least 8 characters"))
	}
	if adminPassword != "" && len(adminPassword) < minAdminPassword {
		faults = append(faults, errors.New("c.SharedPasswordAuthenticator.admin_password: needs at least 32 characters"))
	}
	if userPassword != "" && userPassword == adminPassword {
		faults = append(faults, errors.New("c.SharedPasswordAuthenticator: user_password and admin_password must differ"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, nil
}

// SignIn reads the sign-in form. Admins need the admins' password, all others the users'; anything else is Unauthorized.
func (s *SharedPassword) SignIn(_ context.Context, r *http.Request) (*hub.Identity, error) {
	name, password := credentials(r)
	isAdmin := slices.Contains(s.admins, name)
	want := s.user
	if isAdmin {
		want = s.admin
	}
	if name == "" || want == "" || !equal(want, password) {
		return nil, errPassword()
	}
	id := &hub.Identity{Name: name}
	if isAdmin {
		id.Admin = &isAdmin
	}
	return id, nil
}

// Refresh finds nothing changed, always.
func (s *SharedPassword) Refresh(context.Context, *hub.Identity) (*hub.Identity, error) {
	return nil, nil
}
