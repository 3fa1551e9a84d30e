package kbase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"berdlhub/internal/hub"
)

// maxAnswer bounds an answer of the auth service, in bytes.
const maxAnswer = 64 << 10

// invalidToken is the auth service's error code for a token that it does not know, or no longer.
const invalidToken = 10020

// service is KBase's auth service.
type service struct {
	url    string // ends in "/"
	client *http.Client
}

func newService(url string) *service {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	return &service{url: url, client: &http.Client{
		Transport: t,
		// A redirect would carry the session to somewhere that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// account is what the auth service knows about a session and its owner.
type account struct {
	user    string
	roles   []string
	mfa     string
	expires time.Time // zero: not said
}

// tokenAnswer is the body of api/V2/token.
type tokenAnswer struct {
	User    string `json:"user"`
	Expires *int64 `json:"expires"` // milliseconds since 1970
	MFA     string `json:"mfa"`
}

// meAnswer is the body of api/V2/me.
type meAnswer struct {
	User  string   `json:"user"`
	Roles []string `json:"customroles"`
}

// account asks both questions at the same time; they must speak of the same user.
func (s *service) account(ctx context.Context, token string) (*account, error) {
	if !sendable(token) {
		return nil, errInvalid(errors.New("the cookie cannot be a KBase token"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var about tokenAnswer
	asked := make(chan error, 1)
	go func() {
		err := s.get(ctx, "api/V2/token", token, &about)
		if hub.CodeOf(err) == hub.Unauthorized {
			cancel() // the other answer no longer matters
		}
		asked <- err
	}()
	var me meAnswer
	meErr := s.get(ctx, "api/V2/me", token, &me)
	if hub.CodeOf(meErr) == hub.Unauthorized {
		cancel()
	}
	tokenErr := <-asked
	if err := graver(tokenErr, meErr); err != nil {
		return nil, err
	}
	if about.User != me.User || about.User == "" {
		return nil, badAnswer(fmt.Errorf("token belongs to %.120q, but the account is %.120q", about.User, me.User))
	}
	acc := &account{user: me.User, roles: me.Roles, mfa: shown(about.MFA)}
	if about.Expires != nil {
		acc.expires = time.UnixMilli(*about.Expires).UTC()
	}
	return acc, nil
}

// graver picks the error that says more: a token that is known to be invalid beats a question that was not answered.
func graver(a, b error) error {
	if a == nil || (b != nil && hub.CodeOf(b) == hub.Unauthorized) {
		return b
	}
	return a
}

// sendable tells whether a cookie's value can go into a header as it is.
func sendable(token string) bool {
	return len(token) <= 4096 && !strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' })
}

// shown makes the remote word for the second factor fit to be shown.
func shown(mfa string) string {
	if mfa == "" || len(mfa) > 64 || !utf8.ValidString(mfa) || strings.ContainsFunc(mfa, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "Unknown"
	}
	return mfa
}

// get asks one question. KBase auth2: GET api/V2/token, GET api/V2/me, with the bare token in the Authorization header.
func (s *service) get(ctx context.Context, path, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return badAnswer(fmt.Errorf("ask %s: %w", path, err))
	}
	req.Header.Set("Authorization", token)
	req.Header.Set("Accept", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return badAnswer(fmt.Errorf("ask KBase auth: %w", err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return badAnswer(fmt.Errorf("read %s: %w", path, err))
	case len(body) > maxAnswer:
		return badAnswer(fmt.Errorf("%s answers with more than %d bytes", path, maxAnswer))
	case res.StatusCode != http.StatusOK:
		return refusal(path, res.StatusCode, body)
	}
	if err := decode(body, into); err != nil {
		return badAnswer(fmt.Errorf("understand %s: %w", path, err))
	}
	return nil
}

// decode reads exactly one JSON object.
func decode(body []byte, into any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("the answer is not a JSON object")
	}
	return json.Unmarshal(body, into)
}

// refusal reads an error of the auth service. Its texts stay out: they may repeat what was sent.
func refusal(path string, status int, body []byte) error {
	var answer struct {
		Error struct {
			AppCode int `json:"appcode"`
		} `json:"error"`
	}
	if err := decode(body, &answer); err != nil {
		return badAnswer(fmt.Errorf("%s answers with status %d: %w", path, status, err))
	}
	err := fmt.Errorf("%s answers with status %d and error %d", path, status, answer.Error.AppCode)
	if answer.Error.AppCode == invalidToken {
		return errInvalid(err)
	}
	return badAnswer(err)
}

func errInvalid(cause error) error {
	return hub.Wrap(hub.Unauthorized, cause, "KBase auth server reported token is invalid.")
}

func badAnswer(cause error) error {
	return &hub.Error{
		Code:    hub.Unavailable,
		Message: "KBase sign-in does not answer properly at the moment. Please try again in a minute.",
		Err:     cause,
		Retry:   time.Minute,
	}
}

// probe asks a question without a session. The service says in its own form of an error that one is missing; whatever else answers
// at this address does not.
func (s *service) probe(ctx context.Context) error {
	const path = "api/V2/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return errSilent(fmt.Errorf("ask %s: %w", path, err))
	}
	req.Header.Set("Accept", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return errSilent(fmt.Errorf("ask KBase auth: %w", err))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return errSilent(fmt.Errorf("read %s: %w", path, err))
	}
	var answer struct {
		Error *struct {
			AppCode int `json:"appcode"`
		} `json:"error"`
	}
	if err := decode(body, &answer); err != nil {
		return errSilent(fmt.Errorf("%s answers with status %d: %w", path, res.StatusCode, err))
	}
	if answer.Error == nil || res.StatusCode >= http.StatusInternalServerError {
		return errSilent(fmt.Errorf("%s answers with status %d", path, res.StatusCode))
	}
	return nil
}

func errSilent(cause error) error {
	return hub.Wrap(hub.Unavailable, cause, "KBase's auth service does not answer properly: look at it, and at KBaseAuthenticator.auth_url and the network in between. Signed-in users go on working for a while.")
}
