package config

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/hub"
)

// setting gives the effective setting of a trait.
func (s *settings) setting(class, name string) setting {
	found, _, _ := s.get(class, name)
	return found
}

// isSet says whether somebody set the trait, for this class or a parent.
func (s *settings) isSet(class, name string) bool {
	return s.setting(class, name).rank != fromDefault
}

func (s *settings) text(class, name string) string {
	text, _ := s.setting(class, name).value.data.(string)
	return text
}

func (s *settings) secret(class, name string) hub.Secret {
	return hub.Secret(s.text(class, name))
}

func (s *settings) flag(class, name string) bool {
	b, _ := s.setting(class, name).value.data.(bool)
	return b
}

func (s *settings) number(class, name string) float64 {
	return asFloat(s.setting(class, name).value)
}

func asFloat(v value) float64 {
	switch data := v.data.(type) {
	case int64:
		return float64(data)
	case float64:
		return data
	default:
		return 0
	}
}

func (s *settings) whole(class, name string) int { return int(s.number(class, name)) }

// span reads a number of seconds. Ranges keep it within what a Duration holds.
func (s *settings) span(class, name string) time.Duration {
	return time.Duration(s.number(class, name) * float64(time.Second))
}

// texts reads a list of texts, or one text.
func (s *settings) texts(class, name string) []string {
	return texts(s.setting(class, name).value)
}

func texts(v value) []string {
	if one, ok := v.data.(string); ok {
		return []string{one}
	}
	items, _ := v.data.([]value)
	out := make([]string, 0, len(items))
	for _, item := range items {
		if text, ok := item.data.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// size reads a number of bytes: a number, or a text with K, M, G or T (powers of 1024).
func (s *settings) size(class, name string) int64 {
	one := s.setting(class, name)
	v := one.value
	text, ok := v.data.(string)
	if !ok {
		return int64(asFloat(v))
	}
	unit := int64(1)
	if i := strings.IndexByte("KMGT", text[len(text)-1]); i >= 0 {
		unit, text = 1<<(10*(i+1)), text[:len(text)-1]
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f*float64(unit) > 1<<60 {
		s.together(one, "is not a possible number of bytes", "take 0 to 1024T")
		return 0
	}
	return int64(f * float64(unit))
}

// urlProblem says what is wrong with an absolute HTTP URL, without repeating it: it may hold a password.
func urlProblem(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is not a URL that begins with http:// or https://"
	case u.Host == "" || u.Hostname() == "":
		return "is a URL without a host"
	case u.RawQuery != "" || u.Fragment != "":
		return "is a URL with a query or fragment"
	case u.Port() != "" && !portNumber(u.Port()):
		return "is a URL whose port is out of range"
	}
	return ""
}

func portNumber(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0 && n <= 65535
}

// absolute reads an optional absolute URL and notes what is wrong with it.
func (s *settings) absolute(class, name string) string {
	one := s.setting(class, name)
	text, _ := one.value.data.(string)
	if text == "" {
		return ""
	}
	if problem := urlProblem(text); problem != "" {
		s.together(one, problem, "write a full URL that begins with https:// or http://")
		return ""
	}
	return text
}
