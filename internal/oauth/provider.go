package oauth

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"berdlhub/internal/auth"
	"berdlhub/internal/hub"
	"berdlhub/internal/scope"
	"berdlhub/internal/store"
)

// codeLifetime is how long a client may take to exchange a code. JupyterHub's OAuth contract: 300 s.
const codeLifetime = 300 * time.Second

// Config is what a Provider is built from.
type Config struct {
	BaseURL      string        // public path prefix with both slashes
	TokenExpires time.Duration // oauth_token_expires_in; 14 days by default
	RequirePKCE  bool          // oauth_require_pkce
	AutoLoginURL string        // where nobody is sent to sign in; {base}hub/login by default
	// Consent shows the page that asks the user.
	Consent func(w http.ResponseWriter, r *http.Request, p *auth.Principal, page Consent) error
	Now     func() time.Time
	Log     *slog.Logger
}

// Consent is what the consent page shows. Its form posts to the same address with every scope that the user grants.
type Consent struct {
	Client string // what asks, for example JupyterHub service grafana
	Scopes []scope.Description
	Raw    []string // the scopes to post back
	XSRF   string
}

// Provider is the OAuth provider. It is safe for concurrent use.
type Provider struct {
	cfg  Config
	auth *auth.Auth
	db   *store.DB

	mu       sync.Mutex
	verified map[[sha256.Size]byte]string // fingerprint of client and secret to the hash that it was checked against; guarded by mu
}

// New builds a Provider.
func New(cfg Config, a *auth.Auth, db *store.DB) *Provider {
	if cfg.TokenExpires == 0 {
		cfg.TokenExpires = 14 * 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Provider{cfg: cfg, auth: a, db: db, verified: map[[sha256.Size]byte]string{}}
}

// usable says that a client may use OAuth: the pseudo client of plain tokens, which has no secret, may not.
func usable(c *hub.Client) bool { return c != nil && c.HashedSecret != "" && c.ID != hub.PlainClient }
