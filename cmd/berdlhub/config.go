package main

import (
	"errors"
	"os"

	"berdlhub/internal/config"

	"github.com/spf13/cobra"
)

// configCommand says what is wrong with a configuration, what is in force, and what there is to set.
func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check, show and document the configuration"}
	c.AddCommand(checkCommand(), showCommand(), docsCommand())
	return c
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [--config FILE] [--Class.trait=value …]", Short: "Name every fault of a configuration; exit status 1 if there is one", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if helpWanted(args) {
				return cmd.Help()
			}
			_, faults := config.Load(config.Input{Environ: os.Environ(), Args: args})
			if err := faults.Check(cmd.OutOrStdout()); err != nil {
				return err
			}
			if faults.Err() != nil {
				return errors.New("the configuration cannot be used")
			}
			return nil
		},
	}
}

func showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show [--config FILE] [--Class.trait=value …]", Short: "Print the configuration in force, where each value comes from, secrets masked", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if helpWanted(args) {
				return cmd.Help()
			}
			cfg, faults := config.Load(config.Input{Environ: os.Environ(), Args: args})
			if err := faults.Err(); err != nil {
				return err
			}
			return cfg.Show(cmd.OutOrStdout(), "text")
		},
	}
}

func docsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "docs", Short: "Print every option with type, default and meaning", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return config.Docs(cmd.OutOrStdout()) },
	}
}
