package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// Limits of a share code's life in seconds. JupyterHub REST API: POST /share-codes/{owner}/{server}.
const (
	shareCodeLife    = 24 * 60 * 60
	shareCodeMinLife = 60
	shareCodeMaxLife = 365 * 24 * 60 * 60
)

// shareCodeModel gives a code as JupyterHub REST API: share code model, without the code itself.
func (a *API) shareCodeModel(k *hub.ShareCode) object {
	return object{
		"server": a.sharedServer(k.Server, k.Ready), "scopes": k.Scopes, "id": "sc_" + strconv.FormatInt(k.ID, 10),
		"created_at": stamp(k.Created), "expires_at": stamp(k.Expires), "exchange_count": k.Exchanges, "last_exchanged_at": stamp(k.LastExchanged),
	}
}

// listShareCodes lists the codes of an owner's servers, or of one of them. JupyterHub REST API: GET /share-codes/{owner}.
func (a *API) listShareCodes(c *call) error {
	var f store.ShareCodeFilter
	var err error
	if f.OwnerID, f.ServerID, err = a.ownerOrServer(c); err != nil {
		return err
	}
	p, err := a.sharePage(c)
	if err != nil {
		return err
	}
	f.Offset, f.Limit = p.offset, p.limit
	codes, total, err := a.db.ShareCodes(c.Context(), f, time.Now())
	if err != nil {
		return err
	}
	items := make([]object, len(codes))
	for i, k := range codes {
		items[i] = a.shareCodeModel(k)
	}
	return a.send(c, p, items, total)
}

// createShareCode makes a code. JupyterHub REST API: POST /share-codes/{owner}/{server}; the only answer in which a code can be read.
func (a *API) createShareCode(c *call) error {
	sent, err := readObject(c, "Body must be a JSON object")
	if err != nil {
		return err
	}
	if err := sent.only("scopes", "expires_in"); err != nil {
		return err
	}
	life := int64(shareCodeLife)
	if _, given := sent["expires_in"]; given && (!sent.has("expires_in") || !sent.read("expires_in", &life)) || life < shareCodeMinLife || life > shareCodeMaxLife {
		return hub.Errorf(hub.Invalid, "expires_in must be an integer of %d to %d seconds", shareCodeMinLife, shareCodeMaxLife)
	}
	scopes, err := a.readShareScopes(c, sent)
	if err != nil {
		return err
	}
	if scopes == nil {
		scopes = defaultShare
	}
	if err := c.mayShare(a, scopes); err != nil {
		return err
	}
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return err
	}
	now := time.Now()
	code, k, err := a.db.CreateShareCode(c.Context(), srv.ID, scopes, now.Add(time.Duration(life)*time.Second), now)
	if err != nil {
		return err
	}
	m := a.shareCodeModel(k)
	accept := a.cfg.BaseURL + "hub/accept-share?" + url.Values{"code": {code.Reveal()}}.Encode()
	m["code"], m["accept_url"], m["full_accept_url"] = code.Reveal(), accept, nil
	if origin := a.origin(); origin != "" {
		m["full_accept_url"] = origin + accept
	}
	return web.JSON(c.w, http.StatusOK, m)
}

// deleteShareCodes deletes one code of a server, by itself or by its id, or all. JupyterHub REST API: DELETE /share-codes/{owner}/{server}.
func (a *API) deleteShareCodes(c *call) error {
	srv, err := a.serverToShare(c, c.key)
	if err != nil {
		return err
	}
	q := c.URL.Query()
	switch {
	case q.Get("code") != "":
		k, err := a.db.ShareCodeByValue(c.Context(), q.Get("code"), time.Now())
		if err == nil {
			err = a.db.DeleteShareCode(c.Context(), srv.ID, k.ID)
		}
		if err != nil && hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.NotFound, "No matching code found")
		}
		if err != nil {
			return err
		}
	case q.Get("id") != "":
		digits, known := strings.CutPrefix(q.Get("id"), "sc_")
		id, err := strconv.ParseInt(digits, 10, 64)
		if !known || err != nil || id <= 0 {
			return hub.Errorf(hub.NotFound, "No code found matching id=%s", clip(q.Get("id")))
		}
		err = a.db.DeleteShareCode(c.Context(), srv.ID, id)
		if err != nil && hub.CodeOf(err) == hub.NotFound {
			return hub.Errorf(hub.NotFound, "No code found matching id=%s", clip(q.Get("id")))
		}
		if err != nil {
			return err
		}
	default:
		if err := a.db.DeleteShareCodes(c.Context(), srv.ID); err != nil {
			return err
		}
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
