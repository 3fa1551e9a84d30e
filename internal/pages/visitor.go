package pages

import (
	"net/http"

	"berdlhub/internal/auth"
)

// Visitor says who visits a page, for packages with pages of their own. Nobody is sent to sign in and comes back; done says
// that the answer is given. A request that another site could have made is refused.
func (p *Pages) Visitor(w http.ResponseWriter, r *http.Request) (who *auth.Principal, done bool, err error) {
	return p.visitor(w, r)
}
