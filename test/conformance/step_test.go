package conformance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// step is one line of a list: a request, or something that happens beside the hub.
//
//	METHOD PATH [as TOKEN | by BROWSER] [BODY | form FIELDS]
//	release USER         lets the servers of a user whose name begins with slow- go on starting
//	kill CLIENT          ends the server that is this OAuth client, without the hub's knowing
//	new BROWSER          forgets the cookies of a browser
//	clear PATH           deletes, as the tests' service, what only one of the hubs may have made
//
// PATH is below /, where api stands for hub/api, or begins with a slash itself. Indented lines below say more:
//
//	header NAME: VALUE
//	keep NAME = FACT     a value of the JSON body, `Location ?code`, or `cookie NAME`, for later ${NAME} and `as NAME`
//	until FACT = VALUE   the request is repeated until the answer says so; a star stands for any text
//	shows TEXT           whether the page has this text is part of the answer
type step struct {
	area string // the list's name
	line int
	text string // the first line, by which differences.txt knows the step

	verb    string // the method, or release, kill, new, clear
	path    string // or what the other verbs are about
	token   string // after as
	browser string // after by
	body    string
	form    bool
	headers [][2]string
	keeps   [][2]string
	until   [2]string
	shows   []string
}

func (s *step) String() string { return s.area + " | " + s.text }

func (s *step) isRequest() bool { return s.verb == strings.ToUpper(s.verb) }

var firstLine = regexp.MustCompile(`^(\S+) (\S+)(?: (as|by) (\S+))?(?: (.*))?$`)

// readSteps reads every list of a folder, in the order of their names.
func readSteps(dir string) ([]*step, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no lists in %s: %w", dir, err)
	}
	var all []*step
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps, err := parseSteps(strings.TrimSuffix(filepath.Base(name), ".txt"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, steps...)
	}
	return all, nil
}

// parseSteps reads one list.
func parseSteps(area, text string) ([]*step, error) {
	var steps []*step
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var err error
		switch more, indented := strings.CutPrefix(line, "  "); {
		case !indented:
			var s *step
			if s, err = parseStep(line); err == nil {
				s.area, s.line = area, i+1
				steps = append(steps, s)
			}
		case len(steps) == 0:
			err = fmt.Errorf("nothing to add to")
		default:
			err = steps[len(steps)-1].add(strings.TrimSpace(more))
		}
		if err != nil {
			return nil, fmt.Errorf("%s.txt:%d: %w", area, i+1, err)
		}
	}
	return steps, nil
}

func parseStep(line string) (*step, error) {
	m := firstLine.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("%q is no step", line)
	}
	s := &step{text: line, verb: m[1], path: m[2]}
	if !s.isRequest() {
		if !slices.Contains([]string{"release", "kill", "new", "clear"}, s.verb) || m[3] != "" {
			return nil, fmt.Errorf("%q is no step", line)
		}
		return s, nil
	}
	if m[3] == "as" {
		s.token = m[4]
	} else {
		s.browser = m[4]
	}
	s.body, s.form = strings.CutPrefix(m[5], "form ")
	if path, ok := strings.CutPrefix(s.path, "api"); ok && (path == "" || path[0] == '/' || path[0] == '?') {
		s.path = "hub/api" + path
	}
	return s, nil
}

func (s *step) add(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "header":
		name, value, ok := strings.Cut(rest, ":")
		if !ok {
			return fmt.Errorf("%q has no colon", rest)
		}
		s.headers = append(s.headers, [2]string{name, strings.TrimSpace(value)})
	case "keep", "until":
		name, value, ok := strings.Cut(rest, " = ")
		if !ok {
			return fmt.Errorf("%q has no ` = `", rest)
		}
		if word == "until" {
			s.until = [2]string{name, value}
		} else {
			s.keeps = append(s.keeps, [2]string{name, value})
		}
	case "shows":
		s.shows = append(s.shows, rest)
	default:
		return fmt.Errorf("%q is neither header, keep, until nor shows", word)
	}
	return nil
}
