package main

import (
	"log/slog"
	"os"

	"berdlhub/internal/app"
	"berdlhub/internal/config"
	"berdlhub/internal/web"

	"github.com/spf13/cobra"
)

// hubCommand runs the hub. Flags are JupyterHub's --Class.trait=value and its short names, which the configuration reads.
func hubCommand() *cobra.Command {
	return &cobra.Command{
		Use: "hub [--config FILE] [--Class.trait=value …]", Short: "Run the hub", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if helpWanted(args) {
				return cmd.Help()
			}
			cfg, faults := config.Load(config.Input{Environ: os.Environ(), Args: args})
			if err := faults.Err(); err != nil {
				return err
			}
			log := logger(cfg.Hub.LogLevel, cfg.Hub.LogJSON)
			for _, f := range faults.Warnings() {
				log.WarnContext(cmd.Context(), "configuration", "warning", f.String())
			}
			h, err := app.New(cmd.Context(), cfg, app.Options{Log: log})
			if err != nil {
				return err
			}
			return h.Run(cmd.Context())
		},
	}
}

func helpWanted(args []string) bool {
	for _, a := range args {
		if a == "-h" || a == "--help" {
			return true
		}
	}
	return false
}

// logger writes lines to standard error, as JupyterHub does: text, or JSON for programs that collect logs.
func logger(level string, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{}
	var l slog.Level
	if l.UnmarshalText([]byte(level)) == nil {
		options.Level = l
	}
	if asJSON {
		return slog.New(web.LogHandler(slog.NewJSONHandler(os.Stderr, options)))
	}
	return slog.New(web.LogHandler(slog.NewTextHandler(os.Stderr, options)))
}
