package config

// EnvironmentNames gives the names of the environment for tests.
func EnvironmentNames() []struct {
	Name, Option, Form string
	Dead               bool
} {
	var out []struct {
		Name, Option, Form string
		Dead               bool
	}
	for _, n := range environmentNames {
		out = append(out, struct {
			Name, Option, Form string
			Dead               bool
		}{n.Name, n.Option, string(n.Form), n.Dead})
	}
	return out
}
