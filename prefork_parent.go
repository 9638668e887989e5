//go:build unix

package tako

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// runParent listens and has children serve.
func (p Prefork) runParent(ctx context.Context, servers []Server, owners []SocketOwner) (report Report, err error) {
	log := p.Runner.Log
	signals := make(chan os.Signal, 2)
	if len(p.Runner.Signals) > 0 {
		signal.Notify(signals, p.Runner.Signals...)
		defer signal.Stop(signals)
	}
	hangups := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup does it
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	handovers := make(chan os.Signal, 1)
	if len(p.Runner.Handover) > 0 {
		signal.Notify(handovers, p.Runner.Handover...)
		defer signal.Stop(handovers)
	}
	if err := p.Runner.listen(ctx, servers); err != nil {
		log.Error("cannot start", "err", err)
		return Report{}, err
	}
	defer func() { err = errors.Join(err, shutdown(servers)) }()
	f, sockets, err := takeSockets(owners)
	if err != nil {
		log.Error("cannot start", "err", err)
		return Report{}, err
	}
	if p.Runner.OnListen != nil {
		p.Runner.OnListen()
	}
	for _, s := range servers {
		log.Info("listening", "server", serverLine(s), "pid", os.Getpid(), "procs", p.Procs)
	}
	if err := closeIdleSockets(servers); err != nil {
		closeSockets(sockets)
		return Report{}, err
	}
	defer p.Runner.watchdog()()
	v := &supervisor{Prefork: p, signals: signals, hangups: hangups, handovers: handovers,
		nursery: nursery{family: f, env: f.environ(), sockets: sockets},
		events:  make(chan event), due: make(chan *seat, p.Procs)}
	report, err = v.run(ctx)
	log.Info("stopped", "report", report.String(), "pid", os.Getpid())
	return report, err
}

// takeSockets returns duplicates of the sockets of all servers, as plain
// descriptors: what is in the poller wakes the process at each new connection.
func takeSockets(owners []SocketOwner) (f family, sockets []int, err error) {
	f.parent = os.Getpid()
	for i, owner := range owners {
		files, err := owner.Sockets()
		if err == nil && len(files) == 0 {
			err = errors.New("no sockets")
		}
		for _, file := range files {
			fd, dupErr := duplicate(file)
			if dupErr == nil {
				sockets = append(sockets, fd)
			}
			err = errors.Join(err, dupErr, file.Close())
		}
		if err != nil {
			closeSockets(sockets)
			return f, nil, fmt.Errorf("tako: prefork: sockets of server %d: %w", i, err)
		}
		f.pass(i) // what becomes of files is the parent's matter
		f.counts = append(f.counts, len(files))
	}
	return f, sockets, nil
}

func duplicate(file *os.File) (fd int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(s uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, err = syscall.Dup(int(s)); err == nil {
			syscall.CloseOnExec(fd)
		}
	})
	return fd, errors.Join(controlErr, err)
}

func closeSockets(sockets []int) {
	for _, fd := range sockets {
		_ = syscall.Close(fd)
	}
}

// closeIdleSockets ends the servers of the parent, which only listen: their
// duplicates live on. Closing other listeners than those of TCP may do more, such
// as remove a file; they wait until the end.
func closeIdleSockets(servers []Server) error {
	var idle []Server
	for _, s := range servers {
		if _, ok := s.Addr().(*net.TCPAddr); ok {
			idle = append(idle, s)
		}
	}
	return shutdown(idle)
}

// shutdown ends servers that never served.
func shutdown(servers []Server) error {
	var errs []error
	for _, s := range servers {
		_, err := s.Shutdown(context.Background())
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
