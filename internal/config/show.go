package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const masked = "[masked]"

// shown is one trait of the effective configuration.
type shown struct {
	Value any    `json:"value" yaml:"value"`
	From  string `json:"from" yaml:"from"`
}

// Show writes the effective configuration: every trait that has an effect, its value with secrets masked, and where it was set.
// The format is text, json or yaml.
func (c *Config) Show(w io.Writer, format string) error {
	all := map[string]map[string]shown{}
	for _, class := range classes {
		if strings.HasSuffix(class.Name, "Authenticator") && class.Name != "Authenticator" && authenticators[class.Name] != c.Auth.Class {
			continue
		}
		for _, t := range class.Traits {
			if t.Status == Used && t.Name != "config_file" {
				if all[class.Name] == nil {
					all[class.Name] = map[string]shown{}
				}
				all[class.Name][t.Name] = c.shownTrait(class, t)
			}
		}
	}
	c.inherited(all)
	c.computed(all)
	var err error
	var out bytes.Buffer
	switch format {
	case "", "text":
		showText(&out, all)
	case "json":
		e := json.NewEncoder(&out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		err = e.Encode(all)
	case "yaml":
		e := yaml.NewEncoder(&out)
		e.SetIndent(2)
		err = e.Encode(all)
	default:
		err = fmt.Errorf("show the configuration: format %q is not text, json or yaml", clip(format))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

func (c *Config) shownTrait(class Class, t Trait) shown {
	one := setting{value: mustJSON(t.Default)}
	if set, ok := c.settings.set[class.Name+"."+t.Name]; ok {
		one = set
	}
	return shown{mask(class.Name, t.Name, one.value), one.value.at.String()}
}

// inherited adds what was set on a class for a trait of one of its parents.
func (c *Config) inherited(all map[string]map[string]shown) {
	for _, one := range c.settings.set {
		t, _ := find(one.class, one.trait)
		if _, have := all[one.class][one.trait]; have || t.Status != Used || one.trait == "config_file" {
			continue
		}
		if all[one.class] == nil {
			all[one.class] = map[string]shown{}
		}
		all[one.class][one.trait] = shown{mask(one.class, one.trait, one.value), one.value.at.String()}
	}
}

// computed replaces the defaults that depend on other settings.
func (c *Config) computed(all map[string]map[string]shown) {
	put := func(class, name string, v any) {
		if one, ok := all[class][name]; ok && one.From == "default" {
			all[class][name] = shown{v, "default for this configuration"}
		}
	}
	put("JupyterHub", "authenticator_class", c.Auth.Class)
	put("Authenticator", "allow_all", c.Auth.AllowAll)
	put("Authenticator", "allow_existing_users", c.Auth.AllowExisting)
	put("Authenticator", "enable_auth_state", c.Auth.EnableState)
	put("Authenticator", "auth_refresh_age", int64(c.Auth.RefreshAge.Seconds()))
	put("IdleCuller", "enabled", c.Cull.Enabled)
	put("JupyterHub", "bind_url", c.Hub.BindURL)
	put("JupyterHub", "hub_connect_url", c.Hub.HubConnectURL)
}

// mask gives a value for printing, without what is secret in it.
func mask(class, name string, v value) any {
	switch {
	case secretTraits[class+"."+name]:
		if v.data == nil || empty(v) {
			return v.plain()
		}
		return masked
	case name == "db_url":
		text, _ := v.data.(string)
		if scheme, _, ok := strings.Cut(text, "://"); ok && !strings.HasPrefix(text, "sqlite") {
			return scheme + "://" + masked
		}
		return text
	}
	return maskInside(v.plain())
}

// maskInside masks the entries of maps whose name says that they are secret, and passwords in URLs.
func maskInside(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if secretWord(key) && inner != nil {
				v[key] = masked
			} else {
				v[key] = maskInside(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = maskInside(v[i])
		}
	case string:
		if name, _, ok := strings.Cut(v, "="); ok && secretWord(name) {
			return name + "=" + masked
		}
		if scheme, rest, ok := strings.Cut(v, "://"); ok {
			if at := strings.LastIndex(rest, "@"); at >= 0 {
				return scheme + "://" + masked + rest[at:]
			}
		}
	}
	return v
}

func secretWord(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains([]string{"token", "secret", "password", "passwd", "pass", "key", "keys", "credential", "credentials", "auth", "authorization", "cookie"}, word)
	})
}

func showText(out *bytes.Buffer, all map[string]map[string]shown) {
	for _, class := range classes {
		traits := all[class.Name]
		names := make([]string, 0, len(traits))
		for name := range traits {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			text, err := json.Marshal(traits[name].Value)
			if err != nil {
				text = []byte(masked)
			}
			fmt.Fprintf(out, "%s.%s = %s  # %s\n", class.Name, name, text, traits[name].From)
		}
	}
}
