package config

import (
	"slices"
	"strings"
)

// shortFlags are JupyterHub's short names of traits on the command line.
var shortFlags = map[string]string{
	"--ip": "JupyterHub.ip", "--port": "JupyterHub.port", "--url": "JupyterHub.bind_url", "--base-url": "JupyterHub.base_url",
	"--db": "JupyterHub.db_url", "--log-level": "JupyterHub.log_level", "--pid-file": "JupyterHub.pid_file",
	"--config": "JupyterHub.config_file", "-f": "JupyterHub.config_file", "-y": "JupyterHub.answer_yes",
	"--ssl-key": "JupyterHub.ssl_key", "--ssl-cert": "JupyterHub.ssl_cert",
}

// switches are flags that stand for a trait with a value.
var switches = map[string][2]string{
	"--debug": {"JupyterHub.log_level", "DEBUG"}, "--no-db": {"JupyterHub.db_url", "sqlite://"},
	"--upgrade-db": {"JupyterHub.upgrade_db", "true"}, "--no-ssl": {"JupyterHub.confirm_no_ssl", "true"},
	"--answer-yes": {"JupyterHub.answer_yes", "true"}, "--yes": {"JupyterHub.answer_yes", "true"}, "-y": {"JupyterHub.answer_yes", "true"},
}

// argument is one flag with its text.
type argument struct {
	flag, option, text string
}

// arguments splits a command line into flags. Faults name the flag, never its text, which may be a secret.
func (s *settings) arguments(args []string) []argument {
	var out []argument
	for i := 0; i < len(args); i++ {
		flag, text, hasText := strings.Cut(args[i], "=")
		at := place{source: "command line " + clip(flag)}
		if on, ok := switches[flag]; ok && !hasText {
			out = append(out, argument{flag, on[0], on[1]})
			continue
		}
		option := shortFlags[flag]
		if name, ok := strings.CutPrefix(flag, "--"); ok && option == "" && strings.Contains(name, ".") {
			option = name
		}
		if option == "" {
			s.unknownFlag(flag, at)
			continue
		}
		if !hasText {
			if i+1 >= len(args) || (strings.HasPrefix(args[i+1], "--") && len(args[i+1]) > 2) {
				s.fault(at, "", "has no value", "write "+clip(flag)+"=VALUE")
				continue
			}
			i++
			text = args[i]
		}
		out = append(out, argument{flag, option, text})
	}
	return out
}

func (s *settings) unknownFlag(flag string, at place) {
	if !strings.HasPrefix(flag, "-") {
		s.fault(place{source: "command line"}, "", "an argument is not a flag", "write --Class.trait=VALUE")
		return
	}
	known := []string{}
	for name := range shortFlags {
		known = append(known, name)
	}
	for name := range switches {
		known = append(known, name)
	}
	slices.Sort(known)
	s.faults = append(s.faults, Fault{
		Place: at.String(), Problem: "is not a known flag", Near: nearest(flag, known),
		Remedy: "write --Class.trait=VALUE, or one of --config, --ip, --port, --url, --db, --debug",
	})
}

// commandLine takes all flags but the configuration file's.
func (s *settings) commandLine(args []argument) {
	for _, a := range args {
		if a.option == "JupyterHub.config_file" {
			continue
		}
		at := place{source: "command line " + clip(a.flag)}
		class, name, _ := strings.Cut(a.option, ".")
		if _, known := classesByName[class]; !known {
			s.unknownClass(clip(class), at)
			continue
		}
		text := value{a.text, at}
		now := name
		if other, ok := renamed[a.option]; ok {
			now = other
		}
		if t, _ := find(class, now); t != nil {
			text = fromText(t, a.text, at)
		}
		s.add(class, name, at, text, fromCommandLine)
	}
}

// configFile gives the file that the command line names, or the given one.
func configFile(file string, args []argument) string {
	for _, a := range args {
		if a.option == "JupyterHub.config_file" {
			file = a.text
		}
	}
	return file
}
