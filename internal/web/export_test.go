package web

import "io/fs"

// NewRendererFrom lets a test leave the bundled files out.
func NewRendererFrom(cfg Config, layers ...fs.FS) (*Renderer, error) {
	return newRenderer(cfg, layers)
}
