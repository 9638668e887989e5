package tako

import (
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notify tells the service manager something, if there is one that listens
// (sd_notify). It is no failure of ours if it does not.
func (r Runner) notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" || r.child {
		return
	}
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + rest
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		r.Log.Warn("the service manager cannot be told", "err", err)
		return
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte(state)); err != nil {
		r.Log.Warn("the service manager cannot be told", "err", err)
	}
}

// watchdog tells the service manager that the process lives, twice in the time that it
// allows, until the function that it returns is called.
func (r Runner) watchdog() (stop func()) {
	every := watchdogInterval(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID"))
	if every <= 0 || r.child {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			r.notify("WATCHDOG=1")
			select {
			case <-ticker.C:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// watchdogInterval is half of what the service manager allows, 0 if it does not ask this
// process.
func watchdogInterval(usec, pid string) time.Duration {
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(time.Duration(1<<62)/time.Microsecond) {
		return 0
	}
	if pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return max(time.Duration(n)*time.Microsecond/2, time.Millisecond)
}
