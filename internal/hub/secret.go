package hub

import "log/slog"

// Secret is a text that must never be printed: it shows as [masked] in logs, errors and JSON.
type Secret string

// String gives [masked], or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[masked]"
}

// GoString gives the same as String.
func (s Secret) GoString() string { return s.String() }

// MarshalText gives the same as String, so that a secret in a struct is masked when it is encoded.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue gives the same as String to the log.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal gives the text itself.
func (s Secret) Reveal() string { return string(s) }
