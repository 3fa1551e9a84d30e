package scope

// Description is one line of the page that asks a user for consent.
type Description struct {
	Raw         string // as it was asked
	Scope       string // without its filter
	Description string
	Filter      string // to what it is limited, such as "only you"; empty if it is not limited
}

// Describe puts raw or expanded scopes into words for the user who is asked. Unknown scopes and bad filters are left
// out. The text holds names that others have chosen, so it must be escaped in HTML.
func Describe(raw []string, o Owner, custom Custom) []Description {
	list := make([]Description, 0, len(raw))
	for _, text := range raw {
		s, f := split(text)
		if f != sound {
			continue
		}
		words, ok := describeBase(s.Base, custom)
		if !ok {
			continue
		}
		list = append(list, Description{Raw: text, Scope: s.Base, Description: words, Filter: s.describeFilter(o)})
	}
	return list
}

func describeBase(base string, custom Custom) (string, bool) {
	for _, d := range definitions {
		if d.name == base {
			return d.description, true
		}
	}
	own, ok := custom[base]
	return own.Description, ok
}

func (s Scope) describeFilter(o Owner) string {
	switch {
	case s.Kind == "":
		return ""
	case s.Kind == KindUser && (s.Value == "" || s.Value == o.User):
		return "only you"
	case s.Value == "":
		return "only this " + string(s.Kind)
	}
	return string(s.Kind) + " " + s.Value
}
