package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// form is how the text of an environment variable is read.
type form string

const (
	asText     form = "text"
	asList     form = "comma-separated list"
	asNumber   form = "whole number"
	asSwitch   form = "true or false"
	asKeys     form = "keys separated by ;"
	asURL      form = "URL"
	asEndpoint form = "host with or without http://"
	asTaints   form = "key=value:effect, comma-separated"
	asNothing  form = ""
)

// environmentName is one name of the environment that the hub reads.
type environmentName struct {
	Name    string
	Option  string // Class.trait that it sets; empty: kept as it is for what a server of the platform needs, or dead
	Form    form
	Meaning string
	Dead    bool // nothing reads it; accepted with a warning
}

// environmentNames are the names of BERDL's ConfigMap and those that JupyterHub reads.
var environmentNames = []environmentName{
	{Name: "KBASE_AUTH_URL", Option: "KBaseAuthenticator.auth_url", Form: asText, Meaning: "URL of KBase's auth service; chooses sign-in by KBase."},
	{Name: "KBASE_ORIGIN", Option: "KBaseAuthenticator.origin", Form: asText, Meaning: "Origin of KBase's pages, with https://."},
	{Name: "APPROVED_ROLES", Option: "KBaseAuthenticator.approved_roles", Form: asList, Meaning: "KBase roles of which a user must have one."},
	{Name: "AUTH_FULL_ADMIN_ROLES", Option: "KBaseAuthenticator.admin_roles", Form: asList, Meaning: "KBase roles that make an administrator."},
	{Name: "JPY_COOKIE_SECRET", Option: "JupyterHub.cookie_secret", Form: asText, Meaning: "Secret that signs cookies, as hex digits."},
	{Name: "JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS", Option: "JupyterHub.cookie_secret", Form: asText, Meaning: "The same; wins over JPY_COOKIE_SECRET."},
	{Name: "JUPYTERHUB_CRYPT_KEY", Option: "CryptKeeper.keys", Form: asKeys, Meaning: "Keys for auth_state; the first encrypts, all decrypt."},
	{Name: "JUPYTERHUB_TEMPLATES_DIR", Option: "BerdlHub.templates_dir", Form: asText, Meaning: "Folder whose templates replace berdlhub's own."},
	{Name: "JUPYTERHUB_METRICS_PREFIX", Option: "BerdlHub.metrics_prefix", Form: asText, Meaning: "What the names of metrics begin with."},
	{Name: "BERDL_NOTEBOOK_HOMES_DIR", Option: "BerdlHub.homes_dir", Form: asText, Meaning: "Folder that holds a home per user."},
	{Name: "JUPYTERHUB_IDLE_TIMEOUT_SECONDS", Option: "IdleCuller.timeout", Form: asNumber, Meaning: "Seconds without activity after which a server is stopped."},
	{Name: "ENABLE_IDLE_CULLER", Option: "IdleCuller.enabled", Form: asSwitch, Meaning: "Stop idle servers."},
	{Name: "JUPYTERHUB_LOG_LEVEL", Option: "JupyterHub.log_level", Form: asText, Meaning: "Least severe log line that is written."},
	{Name: "JUPYTERHUB_DEBUG", Option: "Spawner.debug", Form: asSwitch, Meaning: "true: debug logs of the hub and of servers."},
	{Name: "CONFIGPROXY_AUTH_TOKEN", Option: "ConfigurableHTTPProxy.auth_token", Form: asText, Meaning: "Secret for the proxy's REST API."},
	{Name: "CDM_TASK_SERVICE_URL", Form: asURL, Meaning: "Task service; for servers."},
	{Name: "GOVERNANCE_API_URL", Form: asURL, Meaning: "Governance service; for servers."},
	{Name: "MINIO_ENDPOINT_URL", Form: asEndpoint, Meaning: "Object store; for servers."},
	{Name: "MINIO_SECURE_FLAG", Form: asSwitch, Meaning: "The object store has TLS; for servers."},
	{Name: "SPARK_CLUSTER_MANAGER_API_URL", Form: asURL, Meaning: "Spark cluster manager."},
	{Name: "BERDL_HIVE_METASTORE_URI", Form: asText, Meaning: "Hive metastore; for servers."},
	{Name: "BERDL_NOTEBOOK_IMAGE_TAG", Form: asText, Meaning: "Image of servers that are pods."},
	{Name: "BERDL_SKIP_SPAWN_HOOKS", Form: asSwitch, Meaning: "true: no Spark cluster is made for a server."},
	{Name: "DATALAKE_MCP_SERVER_URL", Form: asURL, Meaning: "Data lake's MCP server; for servers."},
	{Name: "BERDL_REDIS_HOST", Form: asText, Meaning: "Redis; for servers."},
	{Name: "BERDL_REDIS_PORT", Form: asNumber, Meaning: "Port of Redis; for servers."},
	{Name: "TENANT_ACCESS_SERVICE_URL", Form: asURL, Meaning: "Tenant access service; for servers."},
	{Name: "TRINO_HOST", Form: asText, Meaning: "Trino; for servers."},
	{Name: "TRINO_PORT", Form: asNumber, Meaning: "Port of Trino; for servers."},
	{Name: "NODE_SELECTOR_HOSTNAME", Form: asText, Meaning: "Node that servers which are pods run on."},
	{Name: "BERDL_TOLERATIONS", Form: asTaints, Meaning: "Taints that servers which are pods tolerate."},
	{Name: "JUPYTERHUB_MEM_LIMIT_GB", Dead: true, Meaning: "Set Spawner.mem_limit instead."},
	{Name: "JUPYTERHUB_MEM_GUARANTEE_GB", Dead: true, Meaning: "Set Spawner.mem_guarantee instead."},
	{Name: "JUPYTERHUB_CPU_LIMIT", Dead: true, Meaning: "Set Spawner.cpu_limit instead."},
	{Name: "JUPYTERHUB_CPU_GUARANTEE", Dead: true, Meaning: "Set Spawner.cpu_guarantee instead."},
	{Name: "DEFAULT_MASTER_CORES", Dead: true, Meaning: "Sizes of Spark clusters come with the profile."},
	{Name: "DEFAULT_MASTER_MEMORY", Dead: true, Meaning: "Sizes of Spark clusters come with the profile."},
	{Name: "DEFAULT_WORKER_COUNT", Dead: true, Meaning: "Sizes of Spark clusters come with the profile."},
	{Name: "DEFAULT_WORKER_CORES", Dead: true, Meaning: "Sizes of Spark clusters come with the profile."},
	{Name: "DEFAULT_WORKER_MEMORY", Dead: true, Meaning: "Sizes of Spark clusters come with the profile."},
	{Name: "HUB_DIR", Dead: true, Meaning: "berdlhub is one file."},
	{Name: "BERDL_DIR", Dead: true, Meaning: "berdlhub is one file."},
}

// environment takes what the environment (NAME=value, as os.Environ gives it) says. It returns the names that are kept for servers.
func (s *settings) environment(environ []string) map[string]string {
	given := map[string]string{}
	for _, entry := range environ {
		if name, text, ok := strings.Cut(entry, "="); ok && text != "" {
			given[name] = text
		}
	}
	kept := map[string]string{}
	for i := range environmentNames {
		n := &environmentNames[i]
		text, ok := given[n.Name]
		if !ok {
			continue
		}
		at := place{source: "environment " + n.Name}
		if n.Dead {
			s.warn(at, "", "has no effect: nothing reads it", n.Meaning)
			continue
		}
		v, ok := s.environmentValue(n, strings.TrimSpace(text), at)
		switch {
		case !ok:
		case n.Option == "":
			kept[n.Name] = strings.TrimSpace(text)
		default:
			class, trait, _ := strings.Cut(n.Option, ".")
			s.add(class, trait, at, v, fromEnvironment)
		}
	}
	s.environmentTogether(given)
	s.misspelt(given)
	return kept
}

var taint = regexp.MustCompile(`^[^=:,\s]+=[^=:,\s]*:(NoSchedule|PreferNoSchedule|NoExecute)$`)

func (s *settings) environmentValue(n *environmentName, text string, at place) (value, bool) {
	wrong := func(problem, remedy string) (value, bool) {
		s.fault(at, n.Option, problem, remedy)
		return value{}, false
	}
	switch n.Form {
	case asNumber:
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wrong("is not a whole number", "write digits only")
		}
		return value{i, at}, true
	case asSwitch:
		if on, ok := yesNo[strings.ToLower(text)]; ok {
			return value{on, at}, true
		}
		return wrong("is neither true nor false", "write true or false")
	case asList:
		return split(text, ",", at), true
	case asKeys:
		return split(text, ";", at), true
	case asURL:
		if problem := urlProblem(text); problem != "" {
			return wrong(problem, "write a full URL, for example https://host/path")
		}
	case asEndpoint:
		if !endpoint(text) {
			return wrong("is not a host", "write host:port, or a URL with http:// or https://")
		}
	case asTaints:
		if !taints(text) {
			s.warn(at, "", "has an entry that is not key=value:effect and will be skipped", "the Spark cluster manager reads a bare value under the same name; give the hub entries such as env=dev:NoSchedule")
		}
	case asText, asNothing:
	}
	return value{text, at}, true
}

var yesNo = map[string]bool{"true": true, "yes": true, "on": true, "1": true, "false": false, "no": false, "off": false, "0": false}

// endpoint says whether a text is a host, with or without http:// or https:// before it.
func endpoint(text string) bool {
	u, err := url.Parse("http://" + strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://"))
	return err == nil && u.Host != ""
}

func taints(text string) bool {
	for entry := range strings.SplitSeq(text, ",") {
		if !taint.MatchString(strings.TrimSpace(entry)) {
			return false
		}
	}
	return true
}

func split(text, separator string, at place) value {
	items := []value{}
	for item := range strings.SplitSeq(text, separator) {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, value{item, at})
		}
	}
	return value{items, at}
}

// environmentTogether looks at names that concern each other.
func (s *settings) environmentTogether(given map[string]string) {
	if a, b := given["JPY_COOKIE_SECRET"], given["JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS"]; a != "" && b != "" && a != b {
		s.fault(place{source: "environment JPY_COOKIE_SECRET"}, "", "differs from JUPYTERHUB_COOKIE_SECRET_64_HEX_CHARS", "keep one of them")
	}
	if debug, err := strconv.ParseBool(strings.ToLower(given["JUPYTERHUB_DEBUG"])); err == nil && debug {
		s.add("JupyterHub", "log_level", place{source: "environment JUPYTERHUB_DEBUG"}, value{"DEBUG", place{source: "environment JUPYTERHUB_DEBUG"}}, fromEnvironment)
	}
	secure, endpoint := strings.ToLower(given["MINIO_SECURE_FLAG"]), given["MINIO_ENDPOINT_URL"]
	if (secure == "true" && strings.HasPrefix(endpoint, "http://")) || (secure == "false" && strings.HasPrefix(endpoint, "https://")) {
		s.warn(place{source: "environment MINIO_SECURE_FLAG"}, "", "contradicts the scheme of MINIO_ENDPOINT_URL", "make both say the same; the scheme wins")
	}
}

// misspelt warns of names that are nearly a name that the hub reads.
func (s *settings) misspelt(given map[string]string) {
	known := make([]string, 0, len(environmentNames))
	for _, n := range environmentNames {
		known = append(known, n.Name)
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if len(name) < 10 || slices.Contains(known, name) {
			continue
		}
		for _, k := range known {
			if distance(name, k) <= 2 && !slices.Contains(names, k) {
				s.faults = append(s.faults, Fault{
					Place: "environment " + name, Problem: "is not read", Near: k, Remedy: "rename it, or ignore this when another program needs it", Warning: true,
				})
			}
		}
	}
}
