package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// published are SHA-256 sums of secrets that were published with example manifests; everybody knows them.
var published = []string{
	"cdb2200081c621db0834c59dcf5e86297ee4a62c361ea5994ab8863fd0652b4b",
	"9adf71f6f81c4a7af2c284cc626c704d38f136910dacebcb117766cc94ac9eb2",
}

const newSecret = "make one with `openssl rand -hex 32` and keep it in a Secret"

// buildSecrets reads the secrets of the hub and its database.
func (s *settings) buildSecrets(h *Hub) {
	const class = "JupyterHub"
	h.CookieMaxAge = time.Duration(s.number(class, "cookie_max_age_days") * 24 * float64(time.Hour))
	if h.CookieMaxAge < time.Minute {
		s.together(s.setting(class, "cookie_max_age_days"), "is shorter than a minute: nobody could stay signed in", "the default is 14")
	}
	h.CookieSecret, h.CookieSecretFile = s.secret(class, "cookie_secret"), s.text(class, "cookie_secret_file")
	if h.CookieSecret != "" {
		raw, err := hex.DecodeString(h.CookieSecret.Reveal())
		if err != nil {
			s.together(s.setting(class, "cookie_secret"), "is not written in hex digits", newSecret)
		} else if problem := weak(raw); problem != "" {
			s.together(s.setting(class, "cookie_secret"), problem, newSecret)
		}
	} else if h.CookieSecretFile == "" {
		s.together(s.setting(class, "cookie_secret_file"), "is empty, and cookie_secret is not set", newSecret)
	}
	keys := s.setting("CryptKeeper", "keys")
	for _, text := range texts(keys.value) {
		raw := cryptKey(text)
		problem := "has a key that is not 32 bytes as hex digits, base64 or plain text"
		if raw != nil {
			problem = weak(raw)
		}
		if problem != "" {
			s.together(keys, problem, newSecret)
			continue
		}
		h.CryptKeys = append(h.CryptKeys, hub.Secret(text))
	}
	s.buildDatabase(h)
}

// cryptKey gives the 32 bytes of a key in any of JupyterHub's forms, or nil.
func cryptKey(text string) []byte {
	switch len(text) {
	case 64:
		if raw, err := hex.DecodeString(text); err == nil {
			return raw
		}
	case 43, 44:
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			if raw, err := encoding.DecodeString(text); err == nil && len(raw) == 32 {
				return raw
			}
		}
	case 32:
		return []byte(text)
	}
	return nil
}

// weak says why a secret must not be used, without repeating it.
func weak(raw []byte) string {
	if len(raw) < 32 {
		return "is shorter than 32 bytes"
	}
	sum := sha256.Sum256(raw)
	if slices.Contains(published, hex.EncodeToString(sum[:])) {
		return "was published in an example and is known to everybody"
	}
	for period := 1; period <= len(raw)/2; period++ {
		if bytes.Equal(raw[period:], raw[:len(raw)-period]) {
			return "repeats itself, so it can be guessed"
		}
	}
	steady := true
	for i := 2; i < len(raw); i++ {
		steady = steady && raw[i]-raw[i-1] == raw[1]-raw[0]
	}
	if steady {
		return "counts up or down, so it can be guessed"
	}
	distinct := map[byte]bool{}
	for _, b := range raw {
		distinct[b] = true
	}
	if len(distinct) < 8 {
		return "has too few different bytes, so it can be guessed"
	}
	return ""
}

// buildDatabase checks db_url without opening it.
func (s *settings) buildDatabase(h *Hub) {
	one := s.setting("JupyterHub", "db_url")
	text, _ := one.value.data.(string)
	h.DBURL = hub.Secret(text)
	const forms = "write sqlite:///FILE, sqlite:////absolute/FILE, sqlite:// for memory, or postgresql://USER@HOST/NAME"
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		s.together(one, "is not a database URL", forms)
		return
	}
	switch strings.Split(scheme, "+")[0] {
	case "sqlite":
		if rest == "" || rest == "/" || rest == "/:memory:" {
			return
		}
		if !strings.HasPrefix(rest, "/") {
			s.together(one, "has two slashes before the file", "write three for a relative file (sqlite:///hub.sqlite), four for an absolute one")
		} else if strings.HasSuffix(rest, "/") {
			s.together(one, "names a folder, not a file", forms)
		}
	case "postgresql", "postgres":
		u, err := url.Parse("postgresql://" + rest)
		if err != nil {
			s.together(one, "is not a URL", "escape special characters of the password, for example @ as %40")
		} else if strings.Trim(u.Path, "/") == "" {
			s.together(one, "names no database", forms)
		}
	case "mysql", "mariadb", "oracle", "mssql":
		s.together(one, "is a kind of database that berdlhub does not have", "use SQLite or PostgreSQL")
	default:
		s.faults = append(s.faults, Fault{
			Place: one.value.at.String(), Option: "JupyterHub.db_url", Problem: "has an unknown kind of database",
			Near: nearest(clip(scheme), []string{"sqlite", "postgresql"}), Remedy: forms,
		})
	}
}
