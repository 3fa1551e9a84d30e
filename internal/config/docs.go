package config

import (
	"fmt"
	"io"
	"strings"
)

const docsHead = `# Configuration

This page is written by ` + "`berdlhub config docs`" + `.

Settings come from three places; a later one wins:

1. the file (` + "`--config FILE`" + `), JSON or YAML: ` + "`{\"Class\": {\"trait\": value}}`" + `, or the same under ` + "`hub.config`" + ` of a zero-to-jupyterhub values file;
2. the environment (names at the end of this page);
3. the command line: ` + "`--Class.trait=value`" + `, and ` + "`--config`, `-f`, `--ip`, `--port`, `--url`, `--base-url`, `--db`, `--no-db`, `--log-level`, `--debug`" + `.

A class has the traits of its parent too; what is set on the most specific class counts, whatever the place.
` + "`berdlhub config check`" + ` says everything that is wrong, ` + "`berdlhub config show`" + ` prints what is in effect and where it was set. Python is never run.

| status | meaning |
|---|---|
| used | the hub does what the trait says |
| no effect | accepted with a warning; the reason follows |
| needs Python | refused unless null; what to use instead follows |
| refused | refused unless it has its default, because leaving it out silently would weaken the hub |
`

// Docs writes every option as Markdown: class, trait, type, default, meaning and status.
func Docs(w io.Writer) error {
	var b strings.Builder
	b.WriteString(docsHead)
	for _, class := range classes {
		b.WriteString("\n## " + class.Name + "\n\n" + class.Meaning)
		if class.Parent != "" {
			b.WriteString(" Also has the traits of " + class.Parent + ".")
		}
		if class.Own {
			b.WriteString(" berdlhub's own; JupyterHub ignores it.")
		}
		b.WriteString("\n")
		if len(class.Traits) == 0 {
			continue
		}
		b.WriteString("\n| trait | type | default | meaning | status |\n|---|---|---|---|---|\n")
		for _, t := range class.Traits {
			status := string(t.Status)
			if t.Note != "" {
				status += ": " + t.Note
			}
			fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s |\n", t.Name, t.Type, cell(t.Default), cell(t.Meaning), cell(status))
		}
	}
	docsEnvironment(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func docsEnvironment(b *strings.Builder) {
	b.WriteString("\n## Environment\n\n| name | sets | form | meaning |\n|---|---|---|---|\n")
	for _, n := range environmentNames {
		sets, form := "kept for servers", string(n.Form)
		switch {
		case n.Dead:
			sets, form = "nothing; accepted with a warning", ""
		case n.Option != "":
			sets = "`" + n.Option + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", n.Name, sets, form, cell(n.Meaning))
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
