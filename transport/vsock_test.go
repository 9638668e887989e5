package transport_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/mdlayher/vsock"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

func TestVSock(t *testing.T) {
	t.Parallel()
	ln, err := transport.VSock(0, transport.VSockConfig{})(t.Context())
	if runtime.GOOS != "linux" {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	if err != nil {
		t.Skip("the kernel has no vsock:", err)
	}
	defer ln.Close()
	addr := ln.Addr().(*vsock.Addr)
	assert.Equal(t, addr.Network(), "vsock")
	if addr.Port == 0 {
		t.Error("the port is not known")
	}
	if _, err = transport.VSock(addr.Port, transport.VSockConfig{})(t.Context()); err == nil {
		t.Error("a port can be had twice")
	}
	file, err := ln.(interface{ File() (*os.File, error) }).File()
	assert.NoError(t, err)
	accepted := make(chan error, 1)
	go func() {
		_, err := ln.Accept()
		accepted <- err
	}()
	assert.NoError(t, ln.Close())
	assert.ErrorIs(t, <-accepted, net.ErrClosed)

	next, err := vsock.FileListener(file) // still listening
	assert.NoError(t, err)
	assert.NoError(t, file.Close())
	assert.Equal(t, next.Addr(), net.Addr(addr))
	assert.NoError(t, next.Close())
	ln, err = transport.VSock(addr.Port, transport.VSockConfig{})(t.Context())
	assert.NoError(t, err, "once all have closed it")
	assert.NoError(t, ln.Close())
}

// A connection tells the CID it came to, also if the listener has any.
func TestVSockConn(t *testing.T) {
	t.Parallel()
	here, err := transport.VSock(0, transport.VSockConfig{CID: vsock.Local})(t.Context())
	if err != nil {
		t.Skip("the kernel has no loopback of vsock:", err)
	}
	everywhere, err := transport.VSock(0, transport.VSockConfig{})(t.Context())
	assert.NoError(t, err)
	for _, ln := range []net.Listener{here, everywhere} {
		exchange(t, ln, vsock.Local)
		assert.NoError(t, ln.Close())
	}
}

func exchange(t *testing.T, ln net.Listener, cid uint32) {
	t.Helper()
	port := ln.Addr().(*vsock.Addr).Port
	client, err := vsock.Dial(cid, port, nil)
	assert.NoError(t, err)
	defer client.Close()
	server, err := ln.Accept()
	assert.NoError(t, err)
	defer server.Close()
	assert.Equal(t, server.LocalAddr(), net.Addr(&vsock.Addr{ContextID: cid, Port: port}))
	assert.Equal(t, server.RemoteAddr().Network(), "vsock")
	assert.NoError(t, client.SetDeadline(time.Now().Add(patience)))
	_, err = server.Write([]byte("hello"))
	assert.NoError(t, err)
	assert.NoError(t, server.(interface{ CloseWrite() error }).CloseWrite())
	got, err := io.ReadAll(client)
	assert.NoError(t, err)
	assert.Equal(t, string(got), "hello")
}
