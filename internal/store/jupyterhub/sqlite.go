package jupyterhub

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver
)

// ReadSQLite reads a SQLite file. The file is copied first, with its write-ahead log or rollback journal, and the copy is read: SQLite itself
// would make files beside a database in WAL mode, write to it to roll back what a crash left, or not see the log at all.
// Errors: fs.ErrNotExist; ErrNotJupyterHub, ErrRevision and, when somebody writes to the file meanwhile, ErrInUse.
func ReadSQLite(ctx context.Context, path string) (*Hub, error) {
	dir, err := os.MkdirTemp("", "berdlhub-import-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for a copy of the database: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what cannot be removed is in the system's temporary folder
	to := filepath.Join(dir, "copy.sqlite")
	if err := copyDatabase(ctx, path, to); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: to}).EscapedPath()+"?mode=rw&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	defer func() { _ = pool.Close() }() // a copy
	var found string
	if err := pool.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if found != "ok" {
		return nil, fmt.Errorf("read %s: the file is damaged: %s", path, found)
	}
	s := &source{q: pool, columnsOf: sqliteColumns}
	return s.read(ctx)
}

// suffixes of the files that are one database.
var suffixes = []string{"", "-wal", "-journal"}

const (
	copyTries = 5
	copyPause = 300 * time.Millisecond
)

// copyDatabase copies a database that nobody writes to meanwhile.
func copyDatabase(ctx context.Context, from, to string) error {
	for range copyTries {
		calm, err := copyOnce(from, to)
		if err != nil || calm {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until nobody writes to %s: %w", from, context.Cause(ctx))
		case <-time.After(copyPause):
		}
	}
	return fmt.Errorf("%w: %s changes while it is copied. Stop JupyterHub first; its servers may go on running", ErrInUse, from)
}

// copyOnce copies the files, and tells whether they stayed as they were meanwhile. It holds SQLite's own lock of readers, so that no
// transaction with a rollback journal can change the file.
func copyOnce(from, to string) (calm bool, err error) {
	f, err := os.Open(from)
	if err != nil {
		return false, fmt.Errorf("open the database of JupyterHub: %w", err)
	}
	defer func() { _ = f.Close() }() // read only; gives the lock back, too
	const firstReader, readers = 0x40000002, 510
	lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: firstReader, Len: readers}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return false, nil
		}
		return false, fmt.Errorf("lock the database of JupyterHub for reading: %w", err)
	}
	before, err := stamps(from)
	if err != nil {
		return false, err
	}
	for i, suffix := range suffixes {
		if err := copyFile(from+suffix, to+suffix, before[i].exists); err != nil {
			return false, err
		}
	}
	after, err := stamps(from)
	return slices.Equal(before, after), err
}

// fileStamp tells whether a file has changed.
type fileStamp struct {
	exists   bool
	size     int64
	modified int64
}

func stamps(path string) ([]fileStamp, error) {
	all := make([]fileStamp, len(suffixes))
	for i, suffix := range suffixes {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at the database of JupyterHub: %w", err)
		}
		all[i] = fileStamp{exists: true, size: info.Size(), modified: info.ModTime().UnixNano()}
	}
	return all, nil
}

// copyFile copies a file, or removes the copy of one that is not there.
func copyFile(from, to string, exists bool) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an earlier copy: %w", err)
	}
	if !exists {
		return nil
	}
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone meanwhile, which the stamps show
	}
	if err != nil {
		return fmt.Errorf("open the database of JupyterHub: %w", err)
	}
	defer func() { _ = in.Close() }() // read only
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copy the database of JupyterHub: %w", err)
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close() // the first error is the one to act on
		return fmt.Errorf("copy the database of JupyterHub to %s: %w", filepath.Dir(to), err)
	}
	return out.Close()
}
