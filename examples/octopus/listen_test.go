package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

const everyProtocol = "https://127.0.0.1:0,h3://127.0.0.1:0,http://127.0.0.1:0,tcp://127.0.0.1:0,tls://127.0.0.1:0,udp://127.0.0.1:0"

// trusting clients take any certificate.
func trusting() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// One program on all protocols, asked over each, and drained.
func TestEverywhere(t *testing.T) {
	for _, kind := range []string{"std", "loop"} {
		t.Run(kind, func(t *testing.T) {
			list := everyProtocol
			if runtime.GOOS != "windows" {
				list += ",unix://" + shortTemp(t) + "/reef.sock?mode=0600"
			}
			o := start(t, settings{listen: list, runtime: kind, demo: true, drain: patience})
			askHTTP(t, o)
			quic := o.addr("h3")
			_, port, err := net.SplitHostPort(quic)
			assert.NoError(t, err)
			assert.Equal(t, askHTTPS(t, o), `h3=":`+port+`"; ma=86400`)
			assert.Equal(t, quic, o.addr("https"))
			raw, err := net.Dial("tcp", o.addr("tcp"))
			assert.NoError(t, err)
			askLines(t, raw)
			secure, err := tls.Dial("tcp", o.addr("tls"), trusting())
			assert.NoError(t, err)
			askLines(t, secure)
			askDatagrams(t, o)

			idle, err := net.Dial("tcp", o.addr("tcp"))
			assert.NoError(t, err)
			defer idle.Close()
			assert.NoError(t, idle.SetDeadline(time.Now().Add(patience)))
			lines := bufio.NewReader(idle)
			exchange(t, idle, lines, "ping", "pong", "ok")
			_, err = io.WriteString(idle, "half a li")
			assert.NoError(t, err)
			o.stop()
			line, err := lines.ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, line, bye)
			text, err := o.end()
			assert.NoError(t, err)
			assert.Contains(t, text, "cut 0 in")
		})
	}
}

func askHTTP(t *testing.T, o *octopus) {
	t.Helper()
	carriers := map[string]*http.Transport{"http://" + o.addr("http"): {}}
	if path := o.addr("http+unix"); path != "" {
		carriers["http://localhost"] = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}
	}
	for base, carrier := range carriers {
		for _, h2 := range []bool{false, true} {
			own := carrier.Clone()
			own.Protocols = new(http.Protocols)
			own.Protocols.SetHTTP1(!h2)
			own.Protocols.SetUnencryptedHTTP2(h2)
			resp := o.get(t, own, base+"/api/v1/reefs")
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Contains(t, string(text), "lagoon")
			assert.Equal(t, resp.ProtoMajor == 2, h2, base)
			own.CloseIdleConnections()
		}
	}
}

// askHTTPS returns what tells of HTTP/3.
func askHTTPS(t *testing.T, o *octopus) string {
	t.Helper()
	carrier := &http.Transport{TLSClientConfig: trusting(), ForceAttemptHTTP2: true}
	defer carrier.CloseIdleConnections()
	resp := o.get(t, carrier, "https://"+o.addr("https")+"/api/v1/reefs")
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Contains(t, string(text), "lagoon")
	assert.Equal(t, resp.ProtoMajor, 2)
	return resp.Header.Get("Alt-Svc")
}

// exchange writes a line, and wants these in return.
func exchange(t *testing.T, w io.Writer, r *bufio.Reader, line string, want ...string) {
	t.Helper()
	_, err := io.WriteString(w, line+"\n")
	assert.NoError(t, err)
	for _, want := range want {
		got, err := r.ReadString('\n')
		assert.NoError(t, err, line)
		assert.Contains(t, got, want, line)
	}
}

func askLines(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	r := bufio.NewReader(conn)
	exchange(t, conn, r, "reefs", "lagoon", "drop-off", "kelp", "ok")
	exchange(t, conn, r, "live desert", "no: no such reef")
	exchange(t, conn, r, "live lagoon", "ok")
	exchange(t, conn, r, "stop", "ok")
	_, err := io.WriteString(conn, "ping\nquit\n")
	assert.NoError(t, err)
	rest, err := io.ReadAll(r)
	assert.NoError(t, err)
	assert.Equal(t, string(rest), "pong\nok\n")
}

func askDatagrams(t *testing.T, o *octopus) {
	t.Helper()
	conn, err := net.Dial("udp", o.addr("udp"))
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	for question, want := range map[string]string{"ping": "pong\nok\n", "live lagoon": "no: \"live\" is no question, ask for help\n"} {
		_, err = io.WriteString(conn, question)
		assert.NoError(t, err)
		p := make([]byte, maxAnswer)
		n, err := conn.Read(p)
		assert.NoError(t, err)
		assert.Equal(t, string(p[:n]), want)
	}
}

// A flood of one sender is not answered in full.
func TestDatagramsAreLimited(t *testing.T) {
	o := start(t, settings{listen: "udp://127.0.0.1:0", runtime: "std", drain: patience})
	conn, err := net.Dial("udp", o.addr("udp"))
	assert.NoError(t, err)
	defer conn.Close()
	const sent = 5 * askBurst
	ask := func() {
		_, err := io.WriteString(conn, "ping")
		assert.NoError(t, err)
	}
	ask()
	assert.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, maxAnswer)) // it serves
	assert.NoError(t, err)
	for range sent {
		ask()
	}
	text, err := o.end() // all are answered or refused then
	assert.NoError(t, err)
	assert.Contains(t, text, "cut 0")
	got := 0
	for p := make([]byte, maxAnswer); ; got++ {
		assert.NoError(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		if _, err := conn.Read(p); err != nil {
			break
		}
	}
	if got == 0 || got == sent {
		t.Errorf("got %d answers to %d questions", got, sent)
	}
}

// Who watches a reef over a stream is told what happens there.
func TestLiveLines(t *testing.T) {
	for _, kind := range []string{"std", "loop"} {
		t.Run(kind, func(t *testing.T) {
			s := newLines(t)
			all, err := listeners(settings{listen: "tcp://127.0.0.1:0", runtime: kind}, s, s.app())
			assert.NoError(t, err)
			takotest.Run(t, all[0].server)
			conn, err := net.Dial("tcp", all[0].server.Addr().String())
			assert.NoError(t, err)
			defer conn.Close()
			assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			r := bufio.NewReader(conn)
			exchange(t, conn, r, "live lagoon", "ok")
			m, err := s.reefs.Post("lagoon", "nemo", "hello\nall")
			assert.NoError(t, err)
			_, err = s.reefs.Edit("lagoon", m.ID, "nemo", "hello")
			assert.NoError(t, err)
			for _, want := range []string{"posted 8 nemo: hello all\n", "edited 8 nemo: hello\n"} {
				got, err := r.ReadString('\n')
				assert.NoError(t, err)
				assert.Equal(t, got, want)
			}
			exchange(t, conn, r, "live kelp", "ok")
			_, err = s.reefs.Post("lagoon", "nemo", "elsewhere")
			assert.NoError(t, err)
			exchange(t, conn, r, "ping", "pong", "ok")
			assert.NoError(t, conn.Close())
			assert.Eventually(t, patience, "the watcher leaves", func() bool {
				_, _, watchers := s.reefs.Count()
				return watchers == 0
			})
		})
	}
}

// HTTP/3 stands beside HTTPS at the same port only.
func TestBeside(t *testing.T) {
	tests := []struct {
		list string
		want bool
	}{
		{"h3://:8443,https://:8443", true},
		{"https://localhost:8443,h3://:8443", true},
		{"https://fd:web,h3://fd:web", true},
		{"https://127.0.0.1:0,h3://127.0.0.1:0", true},
		{"https://127.0.0.1:0,h3://[::1]:0", false},
		{"https://:8443,h3://:8444", false},
		{"http://:8443,h3://:8443", false},
		{"https://fd:web,h3://:443", false},
		{"https+unix:///run/x,h3://:443", false},
	}
	s := newLines(t)
	for _, tt := range tests {
		all, err := listeners(settings{listen: tt.list, runtime: "std"}, s, s.app())
		assert.NoError(t, err)
		assert.Equal(t, all[1].endpoint.Protocol, transport.H3, "the last")
		assert.Equal(t, all[1].beside, tt.want, tt.list)
	}
}

func TestDefaultList(t *testing.T) {
	endpoints, err := transport.ParseListen(everywhere())
	assert.NoError(t, err)
	met := map[string]bool{}
	for _, e := range endpoints {
		met[e.Protocol.String()+" "+e.Network] = true
		if p := e.Protocol; p >= transport.TCP && !strings.HasPrefix(e.Address, "localhost:") {
			t.Errorf("%v is open to others", e)
		}
	}
	for _, want := range []string{"http tcp", "https tcp", "h3 udp", "tcp tcp", "tls tcp", "udp udp", "http unix"} {
		if !met[want] && (runtime.GOOS != "windows" || want != "http unix") {
			t.Errorf("%s is missing", want)
		}
	}
}
