package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"berdlhub/internal/hub"
)

// ErrLocked is the cause when another hub holds the SQLite file.
var ErrLocked = errors.New("the database is in use by another hub")

// fileLock keeps a second hub off a SQLite file as long as this process lives. The system gives it back even after a crash;
// the file itself stays, because removing it would let two processes lock two files of one name.
type fileLock struct{ f *os.File }

func lockFile(database string) (*fileLock, error) {
	path := database + ".lock"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the lock file beside the database: %w: make the folder writable for the hub", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w: use a local disk, or PostgreSQL", path, err)
		}
		return nil, fmt.Errorf("%w: process %s holds %s. Stop that hub first, or use PostgreSQL for several hubs",
			ErrLocked, strings.TrimSpace(string(holder)), path)
	}
	l := &fileLock{f: f}
	if err := l.sign(); err != nil {
		_ = l.release()
		return nil, hub.Wrap(hub.Unavailable, err, "the lock file "+path+" cannot be written: free space on its disk")
	}
	return l, nil
}

// sign writes who holds the lock.
func (l *fileLock) sign() error {
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	_, err := l.f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func (l *fileLock) release() error { return l.f.Close() }
