package dev

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// cryptKey gives the key that seals what the sign-in service told, made on the first call and kept in a file.
func cryptKey(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the key of this data folder: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, says its documentation
	encoded := hex.EncodeToString(key)
	if err := os.WriteFile(file, []byte(encoded+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the key of this data folder: %w", err)
	}
	return encoded, nil
}
