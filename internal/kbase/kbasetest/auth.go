package kbasetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// question wraps an answer with what browsers on other origins need, with the faults, and with the check of the token.
func (k *KBase) question(q Question, answer func(session, Account) map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.Method != http.MethodGet {
			writeError(w, http.StatusMethodNotAllowed, 0)
			return
		}
		f := k.fault(q)
		if k.misbehave(w, r, f) {
			return
		}
		token := r.Header.Get("Authorization")
		if token == "" {
			writeError(w, http.StatusBadRequest, 10010)
			return
		}
		s, a, found := k.find(token)
		if !found {
			writeError(w, http.StatusUnauthorized, 10020)
			return
		}
		body := answer(s, a)
		if f.Kind == OtherUser {
			body["user"] = f.User
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // the asker may be gone
	}
}

func (k *KBase) answerToken(s session, a Account) map[string]any {
	body := map[string]any{
		"type": "Login", "id": s.id, "user": s.name, "name": nil, "custom": map[string]string{},
		"created": s.created.UnixMilli(), "cachefor": (5 * time.Minute).Milliseconds(), "mfa": a.MFA, "expires": nil,
	}
	if !s.expires.IsZero() {
		body["expires"] = s.expires.UnixMilli()
	}
	return body
}

func (k *KBase) answerMe(s session, a Account) map[string]any {
	roles := a.Roles
	if roles == nil {
		roles = []string{}
	}
	return map[string]any{
		"user": s.name, "display": a.Display, "email": s.name + "@example.org", "local": false,
		"created": s.created.UnixMilli(), "lastlogin": s.created.UnixMilli(),
		"roles": []string{}, "customroles": roles, "policyids": []string{}, "idents": []string{},
	}
}

// writeError answers in the form of the auth service's errors.
func writeError(w http.ResponseWriter, status, appCode int) {
	text := map[int]string{10010: "No authentication token", 10020: "Invalid token"}[appCode]
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{ // the asker may be gone
		"httpcode": status, "httpstatus": http.StatusText(status), "appcode": appCode, "apperror": text,
		"message": fmt.Sprintf("%d %s", appCode, text),
	}})
}
