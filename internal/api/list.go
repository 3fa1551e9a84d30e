package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"berdlhub/internal/hub"
	"berdlhub/internal/store"
	"berdlhub/internal/web"
)

// paginated is the media type that asks for a page with its links. JupyterHub REST API, pagination.
const paginated = "application/jupyterhub-pagination+json"

// argument is an argument of an address; the last one counts, as for JupyterHub.
func argument(q url.Values, name string) string {
	if all := q[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// page says which part of a list is wanted.
type page struct {
	offset, limit int
	links         bool // answer with _pagination
}

// page reads offset and limit; without the header a list is cut silently at the largest page.
func (a *API) page(c *call) (*page, error) {
	p := &page{}
	for accept := range strings.SplitSeq(c.Header.Get("Accept"), ",") {
		p.links = p.links || strings.EqualFold(strings.TrimSpace(accept), paginated)
	}
	q := c.URL.Query()
	p.limit = a.cfg.PageMax
	if p.links {
		p.limit = a.cfg.PageDefault
	}
	for name, into := range map[string]*int{"offset": &p.offset, "limit": &p.limit} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(argument(q, name), 10, 32)
		if err != nil {
			return nil, hub.Errorf(hub.Invalid, "Invalid argument type, offset and limit must be integers")
		}
		*into = int(max(n, -n))
	}
	p.limit = min(max(p.limit, 1), a.cfg.PageMax)
	return p, nil
}

// send answers with a page of a list.
func (a *API) send(c *call, p *page, items []object, total int) error {
	text, err := json.Marshal(items)
	if err != nil {
		return fmt.Errorf("encode a list: %w", err)
	}
	return a.sendRaw(c, p, text, total)
}

// sendRaw is send for items that are JSON already.
func (a *API) sendRaw(c *call, p *page, items []byte, total int) error {
	if !p.links {
		return web.RawJSON(c.w, http.StatusOK, items)
	}
	var next any
	if p.offset+p.limit < total {
		next = object{"offset": p.offset + p.limit, "limit": p.limit, "url": a.nextURL(c, p)}
	}
	return web.JSON(c.w, http.StatusOK, object{
		"items": json.RawMessage(items), "_pagination": object{"offset": p.offset, "limit": p.limit, "total": total, "next": next},
	})
}

// nextURL is the address of the next page, absolute, as the caller reaches the hub: cullers follow it as it is.
func (a *API) nextURL(c *call, p *page) string {
	q := c.URL.Query()
	q.Set("offset", strconv.Itoa(p.offset+p.limit))
	q.Set("limit", strconv.Itoa(p.limit))
	scheme := "http"
	if a.auth.Secure(c.Request) {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: c.Host, Path: c.URL.Path, RawQuery: q.Encode()}
	return u.String()
}

// listUsers lists users. JupyterHub REST API: GET /users.
func (a *API) listUsers(c *call) error {
	p, err := a.page(c)
	if err != nil {
		return err
	}
	filter, err := userFilter(c)
	if err != nil {
		return err
	}
	filter.Offset, filter.Limit, filter.Count = p.offset, p.limit, p.links
	if !a.narrow(c, filter) {
		return hub.Errorf(hub.Forbidden, "Action is not authorized with current scopes; requires any of [list:users]")
	}
	ids, total, err := a.db.FindUsers(c.Context(), *filter)
	if err != nil {
		return err
	}
	users, err := a.usersByID(c.Context(), ids)
	if err != nil {
		return err
	}
	v, items := newView(c.who, wantStopped(c.Request)), []byte{'['}
	for _, u := range users {
		if m := a.model(v, u); len(m) > 0 {
			items = append(appendComma(items), m...)
		}
	}
	return a.sendRaw(c, p, append(items, ']'), total)
}

func userFilter(c *call) (*store.UserFilter, error) {
	q := c.URL.Query()
	f := &store.UserFilter{NameLike: argument(q, "name_filter"), State: argument(q, "state"), Sort: "id"}
	if !slices.Contains([]string{"", "active", "ready", "inactive"}, f.State) {
		return nil, hub.Errorf(hub.Invalid, "Unrecognized state filter: '%s'", clip(f.State))
	}
	if !plain(f.NameLike) {
		return nil, hub.Errorf(hub.Invalid, "name_filter is not text")
	}
	if q.Has("sort") {
		sort := argument(q, "sort")
		f.Sort = strings.TrimPrefix(sort, "-")
		f.Desc = strings.HasPrefix(sort, "-")
		if !slices.Contains([]string{"id", "name", "last_activity"}, f.Sort) {
			return nil, hub.Errorf(hub.Invalid, "sort must be 'id', 'name', or 'last_activity', not '%s'", clip(sort))
		}
	}
	return f, nil
}

// narrow limits a list to whom the caller may see; false when that cannot be said as users and groups.
func (a *API) narrow(c *call, f *store.UserFilter) bool {
	all, filters := c.who.Scopes.Filters("list:users")
	if all {
		return true
	}
	f.Names, f.Groups = filters.Users, filters.Groups
	return len(f.Names)+len(f.Groups) > 0 && len(filters.Servers)+len(filters.Services) == 0
}
