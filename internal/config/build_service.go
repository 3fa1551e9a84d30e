package config

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"berdlhub/internal/hub"
)

func (s *settings) services() []Service {
	items, _ := s.setting("JupyterHub", "services").value.data.([]value)
	var out []Service
	for i, item := range items {
		option := fmt.Sprintf("JupyterHub.services[%d]", i)
		r := s.record(option, item, "name", "url", "api_token", "admin", "command", "cwd", "environment", "user", "info", "display",
			"oauth_client_id", "oauth_redirect_uri", "oauth_client_allowed_scopes", "oauth_roles", "oauth_no_confirm", "timeout")
		if r.ok {
			out = append(out, s.service(r, out))
		}
	}
	return s.serviceTokens(out)
}

func (s *settings) service(r *record, earlier []Service) Service {
	service := Service{
		Name: r.text("name"), URL: r.text("url"), APIToken: hub.Secret(r.text("api_token")), Admin: r.flag("admin", false), Display: r.flag("display", true),
		Info: r.properties("info"), OAuthClientID: r.text("oauth_client_id"), RedirectURI: r.text("oauth_redirect_uri"), NoConfirm: r.flag("oauth_no_confirm", false),
	}
	service.AllowedScopes, _ = r.texts("oauth_client_allowed_scopes")
	at, option := r.value.at, r.option
	if service.Name == "" {
		s.fault(at, option+".name", "is not set", "name the service")
	}
	if slices.ContainsFunc(earlier, func(other Service) bool { return other.Name == service.Name }) {
		s.fault(at, option, "declares the service "+clip(service.Name)+" a second time", "merge the two entries")
	}
	if problem := urlProblem(service.URL); service.URL != "" && problem != "" {
		s.fault(at, option+".url", problem, "write a full URL, for example http://127.0.0.1:9000")
	}
	if u, err := url.Parse(service.URL); err == nil && u.Scheme == "https" {
		s.warn(at, option+".url", "begins with https://, to which the proxy does not lead", "let the service answer on http:// where only the hub reaches it")
	}
	if n := len(service.APIToken.Reveal()); n > 0 && n < 8 {
		s.fault(at, option+".api_token", "is shorter than 8 characters", newSecret)
	}
	if _, old := r.value.member("oauth_roles"); old {
		s.warn(at, option+".oauth_roles", "has no effect", "set oauth_client_allowed_scopes")
	}
	s.managed(r, &service)
	return service
}

// managed reads how the hub runs a service: what it needs a command for has no effect without one.
func (s *settings) managed(r *record, service *Service) {
	service.Command, service.Cwd, service.User = r.command("command"), r.text("cwd"), r.text("user")
	if v, ok := r.value.member("environment"); ok && v.data != nil {
		service.Environment = s.textMap(v, r.option+".environment")
	}
	service.Timeout = r.seconds("timeout")
	if len(service.Command) > 0 {
		if service.Command[0] == "" {
			s.fault(r.value.at, r.option+".command", "begins with an empty text", "name the program first")
		}
		return
	}
	for _, key := range []string{"cwd", "user", "environment"} {
		if v, ok := r.value.member(key); ok && v.data != nil && !empty(v) {
			s.warn(v.at, r.option+"."+key, "has no effect: the hub does not run a service without a command", "add a command, or drop it")
		}
	}
}

// command reads a list of words, or the name of a program alone.
func (r *record) command(key string) []string {
	v, ok := r.value.member(key)
	if text, alone := v.data.(string); ok && alone {
		return []string{text}
	}
	words, _ := r.texts(key)
	return words
}

// seconds reads a positive number of seconds; 0 when it is not set.
func (r *record) seconds(key string) time.Duration {
	v, ok := r.value.member(key)
	if !ok || v.data == nil {
		return 0
	}
	n := 0.0
	switch data := v.data.(type) {
	case int64:
		n = float64(data)
	case float64:
		n = data
	}
	if n <= 0 || n > century {
		r.s.fault(v.at, r.option+"."+key, "is not a positive number of seconds", "write 5")
		return 0
	}
	return time.Duration(n * float64(time.Second))
}

// serviceTokens adds the services that only the old map of tokens names.
func (s *settings) serviceTokens(out []Service) []Service {
	one := s.setting("JupyterHub", "service_tokens")
	members, _ := one.value.data.([]member)
	for _, m := range members {
		name, _ := m.value.data.(string)
		if len(m.key) < 8 {
			s.together(one, "holds a token that is shorter than 8 characters", newSecret)
		}
		i := slices.IndexFunc(out, func(service Service) bool { return service.Name == name })
		switch {
		case i < 0:
			out = append(out, Service{Name: name, APIToken: hub.Secret(m.key), Display: true})
		case out[i].APIToken != "" && out[i].APIToken.Reveal() != m.key:
			s.together(one, "gives the service "+clip(name)+" another token than JupyterHub.services does", "keep one of them")
		default:
			out[i].APIToken = hub.Secret(m.key)
		}
	}
	return out
}
