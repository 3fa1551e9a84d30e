package config

import (
	"errors"
	"os"
	"slices"
	"strings"
)

// Input is where a configuration comes from.
type Input struct {
	File    string   // path of a JSON or YAML file; empty: none, unless Args name one
	Environ []string // NAME=value, as os.Environ gives it
	Args    []string // flags after the command's own: --Class.trait=value and JupyterHub's short ones

	// Read reads the file; nil means os.ReadFile.
	Read func(path string) ([]byte, error)
}

// Load reads a configuration. The Config is nil when one of the faults is not a warning (Faults.Err says which).
func Load(in Input) (*Config, Faults) {
	s := newSettings()
	args := s.arguments(in.Args)
	flagFaults := s.faults
	s.faults = nil
	s.file(configFile(in.File, args), in.Read)
	kept := s.environment(in.Environ)
	s.faults = append(s.faults, flagFaults...)
	s.commandLine(args)
	if s.broken {
		return nil, s.faults
	}
	cfg := s.build()
	cfg.Platform = kept
	if s.faults.Err() != nil {
		return nil, s.faults
	}
	cfg.settings = s
	return cfg, s.faults
}

func (s *settings) file(path string, read func(string) ([]byte, error)) {
	if path == "" {
		return
	}
	doc, ok := s.readFile(path, read)
	if !ok {
		s.broken = true
		return
	}
	s.document(doc)
}

func (s *settings) readFile(path string, read func(string) ([]byte, error)) (value, bool) {
	at := place{source: path}
	if strings.HasSuffix(path, ".py") {
		s.fault(at, "", "is Python, which is never run", `write the same settings as JSON or YAML: {"Class": {"trait": value}}`)
		return value{}, false
	}
	if read == nil {
		read = os.ReadFile
	}
	data, err := read(path)
	if err != nil {
		if pathError, ok := errors.AsType[*os.PathError](err); ok {
			err = pathError.Err
		}
		s.fault(at, "", "cannot be read: "+err.Error(), "give the right path, and the hub's account the right to read it")
		return value{}, false
	}
	doc, err := parseDocument(data, path)
	if syntax, ok := errors.AsType[*syntaxError](err); ok {
		s.fault(syntax.at, "", syntax.problem, "mend the file at this place")
		return value{}, false
	}
	if err != nil {
		s.fault(at, "", err.Error(), "mend the file")
		return value{}, false
	}
	return doc, true
}

// together notes a fault that concerns several settings, at the place of the one that was set last.
func (s *settings) together(one setting, problem, remedy string) {
	at := one.value.at
	if one.rank == fromDefault {
		at = place{}
	}
	s.fault(at, one.class+"."+one.trait, problem, remedy)
}

// chosen gives our class for a class name, import path or entry-point name.
func chosen(kind, name string) (string, bool) {
	if name == "default" {
		name = "default-" + kind
	}
	if class, ok := pythonNames[name]; ok {
		return class, true
	}
	if _, ok := classesByName[name]; ok {
		return name, true
	}
	return "", false
}

// class reads authenticator_class or spawner_class and checks that it is one of the given classes.
func (s *settings) class(kind string, names map[string]string) string {
	set := s.setting("JupyterHub", kind+"_class")
	name, _ := set.value.data.(string)
	class, known := chosen(kind, name)
	if short, ok := names[class]; ok && known {
		return short
	}
	var words []string
	for _, short := range names {
		words = append(words, short)
	}
	slices.Sort(words)
	f := Fault{Place: set.value.at.String(), Option: "JupyterHub." + kind + "_class", Remedy: "take one of " + strings.Join(words, ", ")}
	switch {
	case s.spoilt["JupyterHub."+kind+"_class"]:
		return ""
	case set.rank == fromDefault:
		f.Place, f.Problem = "", "is not set, and JupyterHub's default (PAM) is not part of berdlhub"
	case known:
		f.Problem = "is a class that this version does not have"
	default:
		f.Problem, f.Near = "is not a known class", nearest(name, append(words, classNames()...))
	}
	s.faults = append(s.faults, f)
	return ""
}
