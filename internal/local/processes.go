package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"berdlhub/internal/hub"
)

// Config says how servers run as processes. The names in brackets are JupyterHub's.
type Config struct {
	HomesDir     string   // folder of the users' homes; empty: ./homes
	HomeTemplate string   // one home, with {username} in it [SimpleLocalProcessSpawner.home_dir_template]; wins over HomesDir
	StateDir     string   // folder of the servers' logs; empty: ./state
	Cmd          []string // [Spawner.cmd]; empty: jupyterhub-singleuser
	Args         []string // [Spawner.args]
	ShellCmd     []string // shell that gets the command as its last argument, quoted [LocalProcessSpawner.shell_cmd]
	EnvKeep      []string // names of the hub's own environment that servers get [Spawner.env_keep]; nil: JupyterHub's list
	IP           string   // address that servers listen on [Spawner.ip]; empty: that of JUPYTERHUB_SERVICE_URL, else 127.0.0.1
	Port         int      // port that servers listen on [Spawner.port]; 0: a free one for each
	NotebookDir  string   // where the file browser starts, with {username} in it [Spawner.notebook_dir]; empty: the home

	InterruptTimeout time.Duration // wait after SIGINT; 0: 30 s
	TermTimeout      time.Duration // wait after SIGTERM; 0: 30 s
	KillTimeout      time.Duration // wait after SIGKILL; 0: 5 s

	HubID  string // marks the processes of this hub; empty: made from StateDir
	ByUser bool   // run servers as the system's users of the same names, in their homes; works only when the hub is root
}

// JupyterHub's env_keep of LocalProcessSpawner.
var defaultEnvKeep = []string{
	"CONDA_DEFAULT_ENV", "CONDA_ROOT", "JUPYTERHUB_SINGLEUSER_APP", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "VIRTUAL_ENV",
}

// Validate reports every fault of the settings at once.
func (c *Config) Validate() error {
	var faults []error
	if c.HomeTemplate != "" && !strings.Contains(c.HomeTemplate, "{username}") {
		faults = append(faults, fmt.Errorf("home_dir_template: %q lacks {username}, so all users would share a home", c.HomeTemplate))
	}
	if c.Port < 0 || c.Port > 65535 {
		faults = append(faults, fmt.Errorf("port: %d is not between 0 and 65535", c.Port))
	}
	if c.InterruptTimeout < 0 || c.TermTimeout < 0 || c.KillTimeout < 0 {
		faults = append(faults, errors.New("interrupt_timeout, term_timeout and kill_timeout must not be negative"))
	}
	if len(c.Cmd) > 0 && c.Cmd[0] == "" {
		faults = append(faults, errors.New("cmd: its first element, the program, is empty"))
	}
	return errors.Join(faults...)
}

// resolve fills in the defaults and makes folders absolute.
func (c *Config) resolve() error {
	if c.HomeTemplate == "" {
		c.HomeTemplate = filepath.Join(cmp.Or(c.HomesDir, "homes"), "{username}")
	}
	for _, dir := range []*string{&c.HomeTemplate, &c.StateDir} {
		absolute, err := filepath.Abs(cmp.Or(*dir, "state"))
		if err != nil {
			return fmt.Errorf("find the folder %s: %w", *dir, err)
		}
		*dir = absolute
	}
	if len(c.Cmd) == 0 {
		c.Cmd = []string{"jupyterhub-singleuser"}
	}
	if c.EnvKeep == nil {
		c.EnvKeep = defaultEnvKeep
	}
	c.InterruptTimeout = cmp.Or(c.InterruptTimeout, 30*time.Second)
	c.TermTimeout = cmp.Or(c.TermTimeout, 30*time.Second)
	c.KillTimeout = cmp.Or(c.KillTimeout, 5*time.Second)
	if c.HubID == "" {
		sum := sha256.Sum256([]byte(c.StateDir))
		c.HubID = hex.EncodeToString(sum[:8])
	}
	return nil
}

// Processes is a hub.Spawner whose servers are processes of this machine; also a hub.Watcher and a hub.Lister. They outlive it.
type Processes struct {
	c    Config
	boot string // id of the machine's current boot
	turn turns
	wg   sync.WaitGroup // the goroutine that watches each process

	mu       sync.Mutex // guards all below
	closed   bool
	runs     map[string]*run // by run id; from Start or adoption until Stop
	watchers map[*watcher]bool
}

// run is what is known in memory about a run. Processes.mu guards it.
type run struct {
	id      string
	state   state
	secrets []string // values to mask in its log
	proc    *process // nil once it has ended
	end     *ending  // how it ended; nil while it lives
}

// New makes a Spawner. It starts nothing and makes no folders.
func New(c Config) (*Processes, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := c.resolve(); err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	if err := checkPidfd(); err != nil {
		return nil, err
	}
	return &Processes{c: c, boot: boot, turn: turns{m: map[string]*turn{}}, runs: map[string]*run{}, watchers: map[*watcher]bool{}}, nil
}

// Close stops watching the processes and waits until that is done; the processes live on. Start and Poll fail afterwards.
func (p *Processes) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	for _, r := range p.runs {
		if r.proc != nil {
			r.proc.unwatch()
		}
	}
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends as soon as the watching goroutines do, which unwatch has woken
		p.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop watching servers: %w", ctx.Err())
	}
}

// Poll looks at a run. After a restart of the hub the exit code of a process that ended is not known.
func (p *Processes) Poll(_ context.Context, ref hub.Ref) (hub.Status, error) {
	r, err := p.locate(ref)
	if err != nil {
		return hub.Status{}, err
	}
	if r == nil {
		return p.lost(ref)
	}
	p.mu.Lock()
	st, end, secrets := r.state, r.end, r.secrets
	p.mu.Unlock()
	if end == nil {
		return hub.Status{Life: hub.Running, Address: st.address()}, nil
	}
	return hub.Status{Life: hub.Ended, ExitCode: end.code, Reason: end.reason, Log: tail(st.Log, secrets)}, nil
}

// lost describes a run without a process.
func (p *Processes) lost(ref hub.Ref) (hub.Status, error) {
	st, err := parseState(ref)
	if err != nil {
		return hub.Status{}, err
	}
	if st == nil || st.PID == 0 {
		return hub.Status{Life: hub.Ended, Reason: "The server's process was never started."}, nil
	}
	reason := "The server's process has ended while the hub was not watching, so its exit code is not known."
	if st.Boot != "" && st.Boot != p.boot {
		reason = "The server's process ended when the machine was restarted."
	}
	return hub.Status{Life: hub.Ended, Reason: reason, Log: tail(st.Log, nil)}, nil
}

// locate gives what is known about a run whose process lives or was seen to end; nil when there is neither.
func (p *Processes) locate(ref hub.Ref) (*run, error) {
	p.mu.Lock()
	r := p.runs[ref.RunID]
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed()
	}
	if r != nil {
		return r, nil
	}
	st, err := parseState(ref)
	if st == nil || err != nil {
		return nil, err
	}
	proc, err := p.adopt(ref, st)
	if proc == nil || err != nil {
		return nil, err
	}
	return p.attach(ref, *st, proc, secretsOf(environ(proc.pid)))
}

func errClosed() error {
	return hub.Errorf(hub.Unavailable, "The hub is shutting down. Please try again in a minute.")
}

// attach remembers a living process and watches it. When another caller was faster, its run is given and this process's handle is closed.
func (p *Processes) attach(ref hub.Ref, st state, proc *process, secrets []string) (*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		proc.close()
		return nil, errClosed()
	}
	if r := p.runs[ref.RunID]; r != nil && r.proc != nil {
		proc.close()
		return r, nil
	}
	r := &run{id: ref.RunID, state: st, secrets: secrets, proc: proc}
	p.runs[ref.RunID] = r
	p.wg.Go(func() { p.follow(r, proc) })
	return r, nil
}

// follow waits for the end of a process, or of the watching.
func (p *Processes) follow(r *run, proc *process) {
	defer proc.close()
	if !proc.wait() {
		return
	}
	end := proc.reap()
	p.mu.Lock()
	r.end, r.proc = end, nil
	close(proc.done)
	for w := range p.watchers {
		w.tell(r.id)
	}
	p.mu.Unlock()
}
