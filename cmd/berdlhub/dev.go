package main

import (
	"os"

	"berdlhub/internal/dev"

	"github.com/spf13/cobra"
)

// devCommand runs everything on one machine.
func devCommand() *cobra.Command {
	cfg := dev.Config{Out: os.Stdout, Environ: os.Environ()}
	level := "warn"
	c := &cobra.Command{
		Use: "dev", Short: "Run the whole main job on this machine, with a stand-in for KBase and a real JupyterLab", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = logger(level, false)
			return dev.Run(cmd.Context(), cfg)
		},
	}
	c.Flags().IntVar(&cfg.Port, "port", 8000, "port of the hub on 127.0.0.1; 0 takes a free one")
	c.Flags().StringVar(&cfg.Dir, "data-dir", "dev-data", "folder of the database, homes, logs and the Python environment")
	c.Flags().StringVar(&cfg.Python, "python-env", "", "folder of a Python environment that has jupyterhub-singleuser and JupyterLab; without it one is made in the data folder")
	c.Flags().StringVar(&level, "log-level", level, "debug, info, warn or error")
	return c
}
