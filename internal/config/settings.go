package config

import "strings"

// rank orders the places that settings come from; the higher one wins.
type rank int

const (
	fromDefault rank = iota
	fromFile
	fromEnvironment
	fromCommandLine
)

// setting is a trait that somebody set.
type setting struct {
	class, trait string
	value        value
	rank         rank
}

// settings collects what was set and what is wrong with it.
type settings struct {
	set    map[string]setting // by Class.trait as written
	faults Faults
	seen   map[string]rank // traits set in a file, to find those set twice
	read   map[string]bool // traits that the typed configuration asked for, by defining class
	spoilt map[string]bool // traits whose setting was refused, so that nobody is told they are not set
	broken bool            // the file cannot be read, so that what it would set is not known
}

func newSettings() *settings {
	return &settings{set: map[string]setting{}, seen: map[string]rank{}, read: map[string]bool{}, spoilt: map[string]bool{}}
}

func (s *settings) fault(at place, option, problem, remedy string) {
	s.faults = append(s.faults, Fault{Place: at.String(), Option: option, Problem: problem, Remedy: remedy})
}

func (s *settings) warn(at place, option, problem, remedy string) {
	s.faults = append(s.faults, Fault{Place: at.String(), Option: option, Problem: problem, Remedy: remedy, Warning: true})
}

// add takes one setting, or says what is wrong with it.
func (s *settings) add(class, name string, at place, v value, from rank) {
	option := class + "." + name
	if now, ok := renamed[option]; ok {
		s.warn(at, option, "is an old name", "write "+class+"."+now)
		name = now
	}
	trait, owner := find(class, name)
	if trait == nil {
		s.unknownTrait(class, name, at)
		return
	}
	option = class + "." + name
	if !s.fits(owner, trait, option, v) {
		s.spoilt[option] = true
		return
	}
	switch trait.Status {
	case Python:
		if v.data != nil && !empty(v) {
			s.fault(at, option, "needs Python, which is never run", trait.Note)
		}
		return
	case Refused:
		if !equal(v, mustJSON(trait.Default)) {
			s.fault(at, option, "is refused, because leaving it out silently would weaken the hub", trait.Note)
			return
		}
	case NoEffect:
		s.warn(at, option, "has no effect", trait.Note)
	case Used:
	}
	s.put(setting{class, name, v, from}, trait)
}

// put stores a setting over earlier ones. Repeated flags of lists and maps add up, as JupyterHub's do.
func (s *settings) put(n setting, trait *Trait) {
	key := n.class + "." + n.trait
	old, had := s.set[key]
	if had && old.rank == fromCommandLine && n.rank == fromCommandLine {
		if list, ok := old.value.data.([]value); ok {
			if more, ok := n.value.data.([]value); ok && !trait.takes("Tuple") {
				n.value.data = append(append([]value{}, list...), more...)
			}
		} else if entries, ok := old.value.data.([]member); ok {
			if more, ok := n.value.data.([]member); ok {
				n.value.data = append(append([]member{}, entries...), more...)
			}
		}
	}
	s.set[key] = n
}

func (s *settings) unknownTrait(class, name string, at place) {
	f := Fault{Place: at.String(), Option: class + "." + clip(name), Problem: "is not a known trait", Remedy: "`berdlhub config docs` lists all traits of " + class}
	if near := nearest(name, traitNames(class)); near != "" {
		f.Near = class + "." + near
	} else if other := classOf(name); other != "" {
		f.Near = other + "." + name
	}
	s.faults = append(s.faults, f)
}

// classOf gives the first class that has a trait of this name.
func classOf(name string) string {
	for i := range classes {
		for _, t := range classes[i].Traits {
			if t.Name == name {
				return classes[i].Name
			}
		}
	}
	return ""
}

func (s *settings) unknownClass(class string, at place) {
	f := Fault{Place: at.String(), Option: clip(class), Problem: "is not a known class", Near: nearest(class, classNames()), Remedy: "`berdlhub config docs` lists all classes"}
	switch {
	case f.Near != "" && distance(class, f.Near) <= 2:
	case strings.HasSuffix(class, "Authenticator"):
		f.Near, f.Remedy = "", "authenticators written in Python are not run: use kbase, dummy, shared-password or null"
	case strings.HasSuffix(class, "Spawner"):
		f.Near, f.Remedy = "", "spawners written in Python are not run: use simple or localprocess"
	}
	s.faults = append(s.faults, f)
}

// document takes what a file holds: {"Class": {"trait": value}}, or the same beneath hub.config as in zero-to-jupyterhub's values.
func (s *settings) document(doc value) {
	root := doc
	if hub, ok := doc.member("hub"); ok {
		inner, ok := hub.member("config")
		if !ok {
			s.fault(hub.at, "hub", "has no config", "put the classes under hub.config, as {Class: {trait: value}}")
			s.broken = true
			return
		}
		root = inner
		s.warn(hub.at, "hub", "marks the values of a chart: only hub.config is read", "settings elsewhere in the file do not reach the hub")
	}
	members, ok := root.data.([]member)
	if !ok {
		s.fault(root.at, "", "the configuration is "+root.kind()+", not a map", `write {"Class": {"trait": value}}`)
		s.broken = true
		return
	}
	for _, m := range members {
		if _, known := classesByName[m.key]; !known {
			s.unknownClass(m.key, m.at)
			continue
		}
		s.section(m)
	}
}

func (s *settings) section(class member) {
	traits, ok := class.value.data.([]member)
	if !ok {
		s.fault(class.value.at, class.key, "is "+class.value.kind()+", not a map", `write {"`+class.key+`": {"trait": value}}`)
		return
	}
	for _, m := range traits {
		key := class.key + "." + m.key
		if _, twice := s.seen[key]; twice {
			s.fault(m.at, key, "is set twice in the file", "keep one of them")
			continue
		}
		s.seen[key] = fromFile
		s.add(class.key, m.key, m.at, m.value, fromFile)
	}
}

// get gives the effective setting of a trait for a class: that of the most specific class that sets it, else the default.
func (s *settings) get(class, name string) (setting, *Trait, *Class) {
	trait, owner := find(class, name)
	if trait == nil {
		panic("config: no trait " + class + "." + name)
	}
	for _, c := range line(class) {
		s.markRead(c, name)
		if found, ok := s.set[c.Name+"."+name]; ok {
			return found, trait, owner
		}
	}
	return setting{class: owner.Name, trait: name, value: mustJSON(trait.Default), rank: fromDefault}, trait, owner
}

func (s *settings) markRead(c *Class, name string) {
	for i := range c.Traits {
		if c.Traits[i].Name == name {
			s.read[c.Name+"."+name] = true
		}
	}
}
