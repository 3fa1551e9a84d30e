package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"berdlhub/internal/web"
	"berdlhub/internal/web/webtest"

	"github.com/spf13/cobra"
)

// pagesCommand serves every page from fixtures, for whoever works on them.
func pagesCommand() *cobra.Command {
	port := 8010
	c := &cobra.Command{
		Use: "pages", Short: "Serve every page from fixtures, for looking at them", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			render, err := web.NewRenderer(web.Config{Now: webtest.Now})
			if err != nil {
				return err
			}
			var lc net.ListenConfig
			l, err := lc.Listen(cmd.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return fmt.Errorf("listen for the pages: %w (--port takes another one)", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The pages are at http://%s/\n", l.Addr())
			server := &http.Server{Handler: webtest.Gallery(render), ReadHeaderTimeout: 10 * time.Second}
			go func() {
				<-cmd.Context().Done()
				_ = server.Close() // nothing to save
			}()
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
	c.Flags().IntVar(&port, "port", port, "port on 127.0.0.1; 0 takes a free one")
	return c
}
