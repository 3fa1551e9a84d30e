package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"berdlhub/internal/app"
	"berdlhub/internal/config"

	"github.com/spf13/cobra"
)

// databaseOptions are what all commands of db understand.
type databaseOptions struct {
	config string
	output string
	level  string
}

// dbCommand upgrades, takes over, copies and checks the hub's database.
func dbCommand() *cobra.Command {
	o := &databaseOptions{}
	c := &cobra.Command{Use: "db", Short: "Upgrade, take over, copy and check the hub's database"}
	c.PersistentFlags().StringVar(&o.config, "config", "", "configuration file of the hub; without it the hub's default file and the environment")
	c.PersistentFlags().StringVarP(&o.output, "output", "o", "text", "text or json")
	c.PersistentFlags().StringVar(&o.level, "log-level", "warn", "debug, info, warn or error")
	c.AddCommand(o.importCommand(), o.migrateCommand(), o.checkCommand(), o.backupCommand(), o.restoreCommand())
	return c
}

// load reads the configuration in the same way as the hub does.
func (o *databaseOptions) load() (*config.Config, error) {
	if o.output != "text" && o.output != "json" {
		return nil, fmt.Errorf("-o %s is not known: write text or json", o.output)
	}
	var args []string
	if o.config != "" {
		args = []string{"--config=" + o.config}
	}
	cfg, faults := config.Load(config.Input{Environ: os.Environ(), Args: args})
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// say prints what a command has found: as JSON, or as text by the function.
func (o *databaseOptions) say(cmd *cobra.Command, found any, text func() error) error {
	if o.output == "text" {
		return text()
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(found)
}

// run makes a command's function out of one that needs the configuration.
func (o *databaseOptions) run(do func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := o.load()
		if err != nil {
			return err
		}
		return do(cmd.Context(), cmd, cfg, args)
	}
}

func (o *databaseOptions) importCommand() *cobra.Command {
	var from string
	var dryRun bool
	c := &cobra.Command{
		Use: "import --from URL", Short: "Take over what the database of a JupyterHub 4, 5 or 6 holds, running servers included", Args: cobra.NoArgs,
		Long: "Take over what the database of a JupyterHub 4, 5 or 6 holds. JupyterHub must be stopped; its servers may go on running.\n" +
			"The source is only read. The command may be given again: then it takes what has changed in the source since.",
		Example: "  berdlhub db import --config hub.yaml --from sqlite:///jupyterhub.sqlite --dry-run",
		RunE: o.run(func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, _ []string) error {
			report, err := app.ImportDatabase(ctx, cfg, from, dryRun, logger(o.level, false))
			if err != nil {
				return err
			}
			return o.say(cmd, report, func() error { return report.Print(cmd.OutOrStdout()) })
		}),
	}
	c.Flags().StringVar(&from, "from", "", "JupyterHub's db_url: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	if err := c.MarkFlagRequired("from"); err != nil {
		panic(err) // the flag is defined above
	}
	return c
}

func (o *databaseOptions) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Upgrade the schema, as the hub does when it starts; a SQLite file is copied before", Args: cobra.NoArgs,
		RunE: o.run(func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, _ []string) error {
			from, to, err := app.MigrateDatabase(ctx, cfg, logger(o.level, false))
			if err != nil {
				return err
			}
			return o.say(cmd, map[string]int64{"from": from, "to": to}, func() error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "The schema was %d and is %d.\n", from, to)
				return err
			})
		}),
	}
}

func (o *databaseOptions) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Look whether the database is sound, and what it holds; exit status 1 if it is not", Args: cobra.NoArgs,
		RunE: o.run(func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, _ []string) error {
			health, err := app.CheckDatabase(ctx, cfg)
			if err != nil {
				return err
			}
			err = o.say(cmd, health, func() error {
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintf(table, "%s\nschema\t%d of %d\n", health.Database, health.Schema, health.Newest)
				for _, name := range slices.Sorted(maps.Keys(health.Rows)) {
					fmt.Fprintf(table, "%s\t%d\n", name, health.Rows[name])
				}
				for _, fault := range health.Faults {
					fmt.Fprintf(table, "fault\t%s\n", fault)
				}
				return table.Flush()
			})
			if err == nil && len(health.Faults) > 0 {
				err = errors.New("the database is not sound: restore it from a backup")
			}
			return err
		}),
	}
}

func (o *databaseOptions) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy a SQLite database to a new file; the hub may run", Args: cobra.ExactArgs(1),
		RunE: o.run(func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, args []string) error {
			if err := app.BackupDatabase(ctx, cfg, args[0]); err != nil {
				return err
			}
			return o.say(cmd, map[string]string{"backup": args[0]}, func() error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "The database was copied to %s.\n", args[0])
				return err
			})
		}),
	}
}

func (o *databaseOptions) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of a SQLite database, while no hub runs; what was there is kept beside", Args: cobra.ExactArgs(1),
		RunE: o.run(func(ctx context.Context, cmd *cobra.Command, cfg *config.Config, args []string) error {
			kept, err := app.RestoreDatabase(ctx, cfg, args[0])
			if err != nil {
				return err
			}
			return o.say(cmd, map[string]string{"restored": args[0], "kept": kept}, func() error {
				words := "There was none before."
				if kept != "" {
					words = "What was there is " + kept + "."
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "The database is that of %s now. %s\n", args[0], words)
				return err
			})
		}),
	}
}
