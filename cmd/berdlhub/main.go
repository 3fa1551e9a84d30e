// Command berdlhub is JupyterHub's hub, its proxy and its spawner in one binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "berdlhub:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use: "berdlhub", Short: "A JupyterHub in one binary", SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	c.AddCommand(hubCommand(), dbCommand(), devCommand(), configCommand(), pagesCommand(), versionCommand())
	return c
}
