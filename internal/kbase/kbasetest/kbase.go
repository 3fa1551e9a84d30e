// Package kbasetest stands in for KBase: its auth service and its login pages, over real HTTP, with faults on demand.
//
// It serves tests and the hub on a laptop. One handler is both the origin (login page, logout page) and the auth service, which answers
// under /services/auth/ as KBase's does and under / as well.
package kbasetest

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The roles of the accounts that Accounts gives.
const (
	ApprovedRole = "BERDL_USER"
	AdminRole    = "CDM_JUPYTERHUB_ADMIN"
)

// Account is a KBase account.
type Account struct {
	Name    string
	Display string        // empty: the name
	Roles   []string      // custom roles
	MFA     string        // "Used", "NotUsed" or "Unknown"; empty: "Used"
	Life    time.Duration // how long its sessions live; 0: 14 days; negative: they have ended already, which only this service forgets to say
	NoEnd   bool          // its sessions have no end at all
}

// Accounts gives one account of each kind: approved, admin, without a role, without a second factor, with an expired session.
func Accounts() []Account {
	return []Account{
		{Name: "ada", Display: "Ada Lovelace", Roles: []string{ApprovedRole}},
		{Name: "grace", Display: "Grace Hopper (admin)", Roles: []string{ApprovedRole, AdminRole}},
		{Name: "noel", Display: "Noel (no role)"},
		{Name: "mona", Display: "Mona (no second factor)", Roles: []string{ApprovedRole}, MFA: "NotUsed"},
		{Name: "xena", Display: "Xena (expired session)", Roles: []string{ApprovedRole}, Life: -time.Hour},
	}
}

// Config says who exists.
type Config struct {
	Accounts     []Account // nil: those of Accounts
	CookieDomain string    // domain of the session cookies; empty: only the host itself
	Now          func() time.Time
}

// session is one KBase login.
type session struct {
	name    string
	id      string
	created time.Time
	expires time.Time // zero: none
}

// KBase is the stand-in. It is an http.Handler and safe for concurrent use.
type KBase struct {
	mux    *http.ServeMux
	domain string
	now    func() time.Time
	closed chan struct{} // ends questions that hang
	once   sync.Once

	mu       sync.Mutex // guards all below
	accounts map[string]Account
	sessions map[string]session // by token
	faults   map[Question]Fault
	asked    map[Question]int
}

// New makes a stand-in.
func New(c Config) *KBase {
	k := &KBase{
		mux: http.NewServeMux(), domain: c.CookieDomain, now: c.Now, closed: make(chan struct{}),
		accounts: map[string]Account{}, sessions: map[string]session{}, faults: map[Question]Fault{}, asked: map[Question]int{},
	}
	if k.now == nil {
		k.now = time.Now
	}
	accounts := c.Accounts
	if accounts == nil {
		accounts = Accounts()
	}
	for _, a := range accounts {
		k.Set(a)
	}
	for _, prefix := range []string{"/", "/services/auth/"} {
		k.mux.HandleFunc(prefix+"api/V2/token", k.question(TokenQuestion, k.answerToken))
		k.mux.HandleFunc(prefix+"api/V2/me", k.question(MeQuestion, k.answerMe))
	}
	k.mux.HandleFunc("GET /login", k.showLogin)
	k.mux.HandleFunc("POST /login", k.login)
	k.mux.HandleFunc("GET /logout", k.logout)
	return k
}

// ServeHTTP answers as KBase would.
func (k *KBase) ServeHTTP(w http.ResponseWriter, r *http.Request) { k.mux.ServeHTTP(w, r) }

// Close lets go of questions that hang. It may be called more than once.
func (k *KBase) Close() { k.once.Do(func() { close(k.closed) }) }

// Set adds an account or changes one; sessions that exist keep their end.
func (k *KBase) Set(a Account) {
	a.Display = cmp.Or(a.Display, a.Name)
	a.MFA = cmp.Or(a.MFA, "Used")
	a.Life = cmp.Or(a.Life, 14*24*time.Hour)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accounts[a.Name] = a
}

// Login makes a new session of an account and gives its token. The account must exist; otherwise the token is empty.
func (k *KBase) Login(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, known := k.accounts[name]
	if !known {
		return ""
	}
	s := session{name: name, id: rand.Text(), created: k.now()}
	if !a.NoEnd {
		s.expires = s.created.Add(a.Life)
	}
	token := rand.Text() + rand.Text()[:6] // 32 characters of base 32, as KBase's
	k.sessions[token] = s
	return token
}

// Revoke ends a session.
func (k *KBase) Revoke(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.sessions, token)
}

// Asked counts the questions of one kind that have come in.
func (k *KBase) Asked(q Question) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked[q]
}

func (k *KBase) find(token string) (session, Account, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, found := k.sessions[token]
	return s, k.accounts[s.name], found
}

func (k *KBase) list() []Account {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.SortedFunc(maps.Values(k.accounts), func(a, b Account) int { return cmp.Compare(a.Name, b.Name) })
}
