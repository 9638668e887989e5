package proxyproto_test

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/proxyproto"
)

// fed is a connection that gives its pieces one by one, then err.
type fed struct {
	net.Conn
	pieces  [][]byte
	err     error
	taken   int
	largest int // memory that was there to read into, in all
	until   time.Time
}

func (f *fed) Read(p []byte) (int, error) {
	f.largest = max(f.largest, f.taken+len(p))
	if len(f.pieces) == 0 {
		return 0, f.err
	}
	n := copy(p, f.pieces[0])
	f.taken += n
	if f.pieces[0] = f.pieces[0][n:]; len(f.pieces[0]) == 0 {
		f.pieces = f.pieces[1:]
	}
	return n, nil
}

func (f *fed) SetReadDeadline(t time.Time) error { f.until = t; return nil }

// cuts are ways in which b may come.
func cuts(b []byte) map[string][][]byte {
	return map[string][][]byte{"whole": {b}, "halves": {b[:len(b)/2], b[len(b)/2:]}, "bytes": slices.Collect(slices.Chunk(b, 1)),
		"empty reads": {{}, b[:3], {}, b[3:]}}
}

func TestPP04NothingIsLost(t *testing.T) {
	t.Parallel()
	request := "GET / HTTP/1.1\r\nHost: sea.example\r\n\r\n" + strings.Repeat("body ", 1000)
	for name, header := range map[string][]byte{
		"version 1": []byte("PROXY TCP4 192.0.2.1 198.51.100.2 57005 443\r\n"),
		"version 2": v2(cmdProxy, tcp4, ends4, tlv(5, "id")),
		"2 KiB":     v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", 2048))),
		"longest":   v2(cmdProxy, tcp4, ends4, tlv(0xe1, strings.Repeat("v", limit-16-12-3))),
	} {
		for way, pieces := range cuts(append(header, request...)) {
			f := &fed{pieces: pieces, err: io.EOF}
			c := proxyproto.NewConn(f, gate(t, tako.ProxyRequired))
			info, err := c.Introduce(socket(), time.Now())
			assert.NoError(t, err, name, way)
			assert.Equal(t, info.Remote.String(), "192.0.2.1:57005", name, way)
			assert.Equal(t, f.until.IsZero(), true, name, way)
			assert.Equal(t, f.largest <= limit, true, name, way)
			got, err := io.ReadAll(c)
			assert.NoError(t, err, name, way)
			assert.Equal(t, string(got), request, name, way)
		}
	}
}

func TestPP10SecondHeaderIsData(t *testing.T) {
	t.Parallel()
	for _, second := range [][]byte{[]byte("PROXY TCP4 192.0.2.9 192.0.2.9 9 9\r\n"), v2(cmdProxy, tcp4, make([]byte, 12))} {
		c := proxyproto.NewConn(&fed{pieces: [][]byte{v2(cmdProxy, tcp4, ends4), second}, err: io.EOF}, gate(t, tako.ProxyRequired))
		info, err := c.Introduce(socket(), time.Now())
		assert.NoError(t, err)
		assert.Equal(t, info.Remote.String(), "192.0.2.1:57005")
		var out strings.Builder
		n, err := io.Copy(&out, c)
		assert.NoError(t, err)
		assert.Equal(t, n, int64(len(second)))
		assert.Equal(t, out.String(), string(second))
	}
}

func TestIntroduceWithoutHeader(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "P", "PROX", "\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		for _, mode := range []tako.ProxyMode{tako.ProxyOptional, tako.ProxyIgnore} {
			for _, pieces := range [][][]byte{{[]byte(data)}, slices.Collect(slices.Chunk([]byte(data), 1))} {
				c := proxyproto.NewConn(&fed{pieces: pieces, err: io.EOF}, gate(t, mode))
				info := socket()
				next, err := c.Introduce(info, time.Now())
				assert.NoError(t, err, data)
				assert.Equal(t, next == info, true, data)
				got, err := io.ReadAll(c)
				assert.NoError(t, err, data)
				assert.Equal(t, string(got), data)
			}
		}
	}
}

func TestPP02IntroduceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tt := range []struct {
		mode tako.ProxyMode
		data string
		end  error
		want error
	}{
		{tako.ProxyRequired, "", io.EOF, io.EOF},
		{tako.ProxyRequired, "PROX", io.EOF, io.ErrUnexpectedEOF},
		{tako.ProxyRequired, "PROXY TCP4 192.0.2.1", io.EOF, io.ErrUnexpectedEOF},
		{tako.ProxyRequired, "GET / HTTP/1.1\r\n\r\n", nil, proxyproto.ErrNoHeader},
		{tako.ProxyRequired, "PROXY TCP4 192.0.2.1\r\n", nil, proxyproto.ErrMalformed},
		{tako.ProxyRequired, signature + "\x21\x11\x00", broken, broken},
		{tako.ProxyOptional, "PROXY TCP4 192.0.2.1", io.EOF, io.ErrUnexpectedEOF},
		{tako.ProxyOptional, signature, io.EOF, io.ErrUnexpectedEOF},
		{tako.ProxyOptional, "PROXY TCP4 192.0.2.1\r\n", nil, proxyproto.ErrMalformed},
		{tako.ProxyOptional, "PR", broken, broken},
		{tako.ProxyIgnore, "PROXY TCP4 192.0.2.1\r\n", nil, proxyproto.ErrMalformed},
	} {
		c := proxyproto.NewConn(&fed{pieces: [][]byte{[]byte(tt.data)}, err: tt.end}, gate(t, tt.mode))
		info, err := c.Introduce(socket(), time.Now())
		assert.ErrorIs(t, err, tt.want, tt.data)
		assert.Equal(t, info == nil, true, tt.data)
	}
}

// The time runs from the beginning of the connection, however busy the sender is.
func TestPP02IntroduceTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore} {
			client, server := net.Pipe()
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for _, b := range []byte(v2(cmdProxy, tcp4, make([]byte, 4000))) {
					if _, err := client.Write([]byte{b}); err != nil {
						return
					}
					<-time.After(100 * time.Millisecond)
				}
			}()
			began := time.Now()
			<-time.After(time.Second)
			info, err := proxyproto.NewConn(server, gate(t, mode)).Introduce(socket(), began)
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded, mode)
			assert.Equal(t, info == nil, true)
			assert.Equal(t, time.Since(began), 5*time.Second)
			server.Close()
			<-sent
			client.Close()
		}
	})
}

// The deadline does not outlive the header.
func TestIntroduceClearsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		defer server.Close()
		go func() {
			client.Write([]byte("PROXY UNKNOWN\r\n"))
			<-time.After(time.Hour)
			client.Write([]byte("late"))
		}()
		c := proxyproto.NewConn(server, gate(t, tako.ProxyRequired))
		_, err := c.Introduce(socket(), time.Now())
		assert.NoError(t, err)
		got := make([]byte, 4)
		_, err = io.ReadFull(c, got)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "late")
	})
}

// tcpPair is a connection over loopback.
func tcpPair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	nc, err := net.DialTimeout("tcp", ln.Addr().String(), 10*time.Second)
	assert.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	accepted, err := ln.Accept()
	assert.NoError(t, err)
	t.Cleanup(func() { accepted.Close() })
	limit := time.Now().Add(20 * time.Second)
	assert.NoError(t, errors.Join(nc.SetDeadline(limit), accepted.SetWriteDeadline(limit)))
	return nc.(*net.TCPConn), accepted.(*net.TCPConn)
}

func TestConnOverTCP(t *testing.T) {
	t.Parallel()
	client, server := tcpPair(t)
	c := proxyproto.NewConn(server, gate(t, tako.ProxyRequired))
	_, err := client.Write([]byte("PROXY UNKNOWN\r\nhello"))
	assert.NoError(t, err)
	_, err = c.Introduce(socket(), time.Now())
	assert.NoError(t, err)
	path := t.TempDir() + "/file"
	assert.NoError(t, os.WriteFile(path, []byte("from a file"), 0o600))
	file, err := os.Open(path)
	assert.NoError(t, err)
	defer file.Close()
	n, err := io.Copy(c, file)
	assert.NoError(t, err)
	assert.Equal(t, n, int64(11))
	assert.NoError(t, c.CloseWrite())
	got, err := io.ReadAll(client)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "from a file")

	_, err = client.Write([]byte(" again"))
	assert.NoError(t, err)
	assert.NoError(t, client.CloseWrite())
	var all strings.Builder
	_, err = io.Copy(&all, c)
	assert.NoError(t, err)
	assert.Equal(t, all.String(), "hello again")

	assert.NoError(t, c.SetLinger(0))
	raw, err := c.SyscallConn()
	assert.NoError(t, err)
	assert.Equal(t, raw != nil, true)
}

func TestConnWithoutSocket(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	defer client.Close()
	c := proxyproto.NewConn(server, gate(t, tako.ProxyRequired))
	assert.ErrorIs(t, c.CloseWrite(), errors.ErrUnsupported)
	assert.ErrorIs(t, c.SetLinger(0), errors.ErrUnsupported)
	_, err := c.SyscallConn()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = c.File()
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	done := make(chan string)
	go func() {
		b, _ := io.ReadAll(client)
		done <- string(b)
	}()
	n, err := c.ReadFrom(strings.NewReader("copied"))
	assert.NoError(t, err)
	assert.Equal(t, n, int64(6))
	assert.NoError(t, c.Close())
	assert.Equal(t, <-done, "copied")
	_, err = c.Introduce(socket(), time.Now())
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}
