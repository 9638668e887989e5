//go:build unix

package tako_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/netpoll"
)

// A load is clients that go on asking, each request by its own id.
type load struct {
	kinds   []*kind
	stop    chan struct{}
	clients sync.WaitGroup
}

// A kind of clients keeps connections, or makes one for each request, or so.
type kind struct {
	name, path string
	transport  *http.Transport

	mu       sync.Mutex
	asked    int
	answered map[string]int // by id: the process
	by       map[int]int    // by process: the number
	faults   []string
}

// pace is the time between two requests of a client that gets its answers at once.
const pace = time.Millisecond

func (r *reigning) load() *load {
	r.t.Helper()
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	l := &load{stop: make(chan struct{}), kinds: []*kind{
		{name: "kept", path: "/", transport: &http.Transport{}},
		{name: "new", path: "/", transport: &http.Transport{DisableKeepAlives: true}},
		{name: "h2c", path: "/", transport: &http.Transport{Protocols: &h2c}},
		{name: "slow", path: "/slow", transport: &http.Transport{}},
		{name: "slow-h2c", path: "/slow", transport: &http.Transport{Protocols: &h2c}},
	}}
	for _, k := range l.kinds {
		k.transport.DialContext = r.dial
		k.answered, k.by = map[string]int{}, map[int]int{}
		client := &http.Client{Transport: k.transport, Timeout: patience}
		for n := range 2 {
			l.clients.Go(func() {
				tick := time.NewTicker(pace)
				defer tick.Stop()
				for i := 0; ; i++ {
					select {
					case <-l.stop:
						return
					case <-tick.C:
					}
					k.ask(client, fmt.Sprintf("%s-%d-%d", k.name, n, i))
				}
			})
		}
	}
	return l
}

func (k *kind) ask(client *http.Client, id string) {
	k.mu.Lock()
	k.asked++
	k.mu.Unlock()
	seen, err := ask(client, k.path+"?id="+id)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err != nil:
		k.faults = append(k.faults, fmt.Sprintf("%s: %v", id, err))
	case seen.ID != id:
		k.faults = append(k.faults, fmt.Sprintf("%s: answer to %q", id, seen.ID))
	case seen.Inherited:
		k.faults = append(k.faults, fmt.Sprintf("%s: process %d has the variable still", id, seen.Pid))
	}
	k.answered[id] = seen.Pid
	k.by[seen.Pid]++
}

// reaches waits until a process has answered clients of each kind.
func (l *load) reaches(t *testing.T, pid int) {
	t.Helper()
	for _, k := range l.kinds {
		assert.Eventually(t, patience, fmt.Sprintf("%s: %d answers", k.name, pid), func() bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.by[pid] > 1 || len(k.faults) > 0
		})
	}
}

// ends stops the clients and accounts for each request. It returns the number of answers.
func (l *load) ends(t *testing.T, processes int) (total int) {
	t.Helper()
	close(l.stop)
	l.clients.Wait()
	for _, k := range l.kinds {
		k.transport.CloseIdleConnections()
		for _, fault := range k.faults {
			t.Error(fault)
		}
		assert.Equal(t, len(k.answered), k.asked, k.name, ": answers by id")
		assert.Equal(t, len(k.by), processes, k.name, ": processes that answered")
		t.Logf("%s: %d requests, none failed", k.name, k.asked)
		total += k.asked
	}
	return total
}

// No request fails while process after process takes over, whatever it is that clients do.
func TestHandoverUnderLoad(t *testing.T) {
	t.Parallel()
	for _, d := range []dynasty{{}, {Loop: netpoll.Epoll}, {Loop: netpoll.Auto}, {Unix: "s"}, {Unix: "s", Loop: netpoll.Auto}} {
		name := d.Loop
		if name == "" {
			name = "std"
		}
		if d.Unix != "" {
			name += "-unix"
		}
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" && d.Loop == netpoll.Epoll {
				t.Skip("there is no epoll")
			}
			t.Parallel()
			takeOverUnderLoad(t, d)
		})
	}
}

func takeOverUnderLoad(t *testing.T, d dynasty) {
	const times = 3
	r := crown(t, d)
	files := r.look("?files=1").Files
	l := r.load()
	pids := []int{r.cmd.Process.Pid}
	pid := pids[0]
	served := -1 - 1 // without the two that count descriptors
	for n := range times {
		l.reaches(t, pid)
		next := r.succeeds(pid, n+1)
		served += r.goesCleanly(pid)
		if d.Unix != "" {
			_, err := os.Lstat(r.place)
			assert.NoError(t, err, "file of the socket")
		}
		pid = next
		pids = append(pids, pid)
	}
	l.reaches(t, pid)
	answered := l.ends(t, len(pids))
	assert.Eventually(t, patience, "as few descriptors as in the beginning", func() bool {
		served--
		return r.look("?files=1").Files <= files
	})
	served++
	served += r.abdicate(pid)
	// A client asks again if its idle connection was closed as it began to.
	if served < answered {
		t.Errorf("%d requests served, %d answered", served, answered)
	}
	t.Logf("%d requests in %d processes, served %d times", answered, len(pids), served)
	assert.Equal(t, len(r.log("begin")), len(pids), "processes")
	assert.Equal(t, len(r.log(notHanded)), 0, "failures")
	if d.Unix != "" {
		_, err := os.Lstat(r.place)
		assert.ErrorIs(t, err, os.ErrNotExist, "file of the socket")
	}
}
