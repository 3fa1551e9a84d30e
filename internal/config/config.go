package config

import (
	"net/http"
	"net/netip"
	"time"

	"berdlhub/internal/hub"
)

// Config is a whole configuration, checked. Zero numbers of limits mean no limit, as in JupyterHub.
type Config struct {
	Hub     Hub
	Auth    Auth
	Spawner Spawner
	Cull    Cull
	Proxy   Proxy

	// Platform holds the environment names that servers of the platform need (KBASE and MinIO addresses …) and that no trait stands for.
	Platform map[string]string

	settings *settings
}

// Hub is what the class JupyterHub configures.
type Hub struct {
	BindURL       string // http://HOST:PORT/PREFIX/, with an empty host for every interface
	BindHost      string // empty: every interface
	BindPort      int    // 0: a free one
	BaseURL       string // begins and ends with a slash
	HubBind       string // host:port where servers and services reach the hub
	HubConnectURL string // URL under which servers and services reach the hub, without base URL; never empty; holds port 0 when HubBind does
	PublicURL     string // ends with a slash; empty when not known

	DBURL            hub.Secret // may hold a password
	CookieSecret     hub.Secret // hex digits of at least 32 bytes; empty: read or make CookieSecretFile
	CookieSecretFile string
	CookieMaxAge     time.Duration
	CookieHostPrefix bool
	CookieOptions    map[string]any // of tornado_settings, for servers and services
	CookieSecure     bool           // of the same: the hub's own cookies are sent over https only
	CookieSameSite   http.SameSite  // of the same; 0: Lax
	CryptKeys        []hub.Secret   // each 32 bytes as hex digits, base64 or plain

	AllowNamedServers bool
	NamedServerLimit  int
	RefuseInvalid     bool // named servers whose name is not allowed any more are not started
	DefaultServerName string
	DefaultURL        string
	RedirectToServer  bool
	ImplicitSpawn     time.Duration

	ConcurrentSpawnLimit    int
	ActiveServerLimit       int
	QueueStarts             bool
	SpawnThrottleRetryRange [2]time.Duration
	SlowSpawnTimeout        time.Duration
	SlowStopTimeout         time.Duration
	CleanupServers          bool
	ShutdownOnLogout        bool

	ActivityResolution   time.Duration
	LastActivityInterval time.Duration
	ServiceCheckInterval time.Duration // 0: services are not looked at

	OAuthTokenExpires time.Duration // never zero
	OAuthRequirePKCE  bool
	TokenMaxExpiry    time.Duration // 0: no limit

	TrustedDownstream []netip.Prefix
	APIPageDefault    int
	APIPageMax        int

	LoadRoles       []Role
	LoadGroups      []Group
	Services        []Service
	CustomScopes    map[string]CustomScope
	ExtraUserScopes []string

	AdminAccess            bool
	AuthenticatePrometheus bool
	MetricsPrefix          string // what the names of metrics begin with; never empty
	UseLegacyStatus        bool
	LogLevel               string // debug, info, warn or error
	LogJSON                bool   // log lines are JSON objects instead of text
	LogoFile               string
	TemplatePaths          []string          // folders that replace berdlhub's own templates
	Headers                map[string]string // of tornado_settings, added to every answer
}

// Role is one entry of JupyterHub.load_roles.
type Role struct {
	Name        string
	Description string
	Scopes      []string
	SetScopes   bool // scopes were given
	Users       []string
	HasUsers    bool // users were given, so membership is exact
	Groups      []string
	Services    []string
	HasServices bool
}

// Group is one entry of JupyterHub.load_groups.
type Group struct {
	Name       string
	Users      []string
	Properties map[string]any // nil: leave them
}

// CustomScope is one entry of JupyterHub.custom_scopes.
type CustomScope struct {
	Description string
	Subscopes   []string
}

// Service is one entry of JupyterHub.services.
type Service struct {
	Name          string
	URL           string
	APIToken      hub.Secret
	Admin         bool
	Command       []string // what the hub runs for it; nil: it is run elsewhere
	Cwd           string
	Environment   map[string]string
	User          string        // the machine's user that the command runs as; empty: as the hub
	Timeout       time.Duration // of one look at its health; 0: the default
	Display       bool
	Info          map[string]any
	OAuthClientID string
	RedirectURI   string
	AllowedScopes []string
	NoConfirm     bool
}

// Auth is what the chosen authenticator and its parents configure.
type Auth struct {
	Class           string // kbase, dummy, shared-password or null
	AllowAll        bool
	AllowExisting   bool
	Allowed         []string
	Admins          []string
	Blocked         []string
	UsernamePattern string
	UsernameMap     map[string]string
	EnableState     bool
	ManageGroups    bool
	RefreshAge      time.Duration // 0: never
	Grace           time.Duration // how long users keep what they have while the sign-in service is down
	AutoLogin       bool
	Dummy           Dummy
	SharedPassword  SharedPassword
	KBase           KBase
}

// Dummy is what DummyAuthenticator configures.
type Dummy struct {
	Password hub.Secret // empty: any
}

// SharedPassword is what SharedPasswordAuthenticator configures.
type SharedPassword struct {
	User  hub.Secret
	Admin hub.Secret
}

// KBase is what KBaseAuthenticator configures.
type KBase struct {
	AuthURL       string // ends with a slash
	Origin        string // scheme and host, without a slash at the end
	ApprovedRoles []string
	AdminRoles    []string
	Timeout       time.Duration
}

// Spawner is what the chosen spawner and its parents configure.
type Spawner struct {
	Class                    string // simple or localprocess
	Cmd                      []string
	Args                     []string
	IP                       string
	Port                     int // 0: a free one
	StartTimeout             time.Duration
	HTTPTimeout              time.Duration
	PollInterval             time.Duration // 0: never
	DefaultURL               string
	NotebookDir              string
	DisableUserConfig        bool
	Debug                    bool
	Environment              map[string]string // may hold secrets: never logged
	EnvKeep                  []string
	MemLimit                 int64 // bytes; 0: none
	MemGuarantee             int64
	CPULimit                 float64 // 0: none
	CPUGuarantee             float64
	OptionsForm              string // HTML
	HubConnectURL            string // empty: Hub.HubConnectURL
	ServerTokenScopes        []string
	OAuthClientAllowedScopes []string
	Local                    Local
}

// Local is what the spawners of local processes configure.
type Local struct {
	InterruptTimeout time.Duration
	TermTimeout      time.Duration
	KillTimeout      time.Duration
	HomeTemplate     string // with {username}; empty: a folder of the user in HomesDir
	HomesDir         string
}

// Cull is what IdleCuller configures.
type Cull struct {
	Enabled bool
	Timeout time.Duration
	Every   time.Duration
	MaxAge  time.Duration // 0: never
}

// Proxy is what the proxy's class configures.
type Proxy struct {
	AuthToken hub.Secret // for the REST API of the proxy; empty: the API is off
}
