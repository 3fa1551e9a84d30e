package main

import (
	"fmt"

	"berdlhub/internal/web"

	"github.com/spf13/cobra"
)

// version and commit are set by the build.
var (
	version = "dev"
	commit  = "unknown"
)

// versionCommand prints what this binary is.
func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, commit and the JupyterHub version whose API this speaks", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "berdlhub %s (%s), JupyterHub API %s\n", version, commit, web.HubVersion)
			return err
		},
	}
}
