package transport_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// What crypto/tls has no way to send as a client is made here from the secrets of
// a connection: records with AES-128-GCM.

// secrets reads the log of keys (SSLKEYLOGFILE) of a connection.
func secrets(t *testing.T, log *bytes.Buffer, label string) (random, secret []byte) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == label {
			random, _ = hex.DecodeString(f[1])
			secret, _ = hex.DecodeString(f[2])
			return random, secret
		}
	}
	t.Fatalf("no %s in the log of keys", label)
	return nil, nil
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	b, err := aes.NewCipher(key)
	assert.NoError(t, err)
	a, err := cipher.NewGCM(b)
	assert.NoError(t, err)
	return a
}

// begin ends a handshake and has the server read on.
func begin(t *testing.T, server, client *tls.Config) (conn *tls.Conn, raw net.Conn, ended func() error) {
	t.Helper()
	near, far := connected(t)
	t.Cleanup(func() { near.Close() })
	var done sync.WaitGroup
	var err error
	done.Go(func() { _, err = accept(far, server) })
	conn = tls.Client(near, client)
	assert.NoError(t, conn.Handshake())
	_, readErr := io.ReadFull(conn, make([]byte, 1))
	assert.NoError(t, readErr)
	return conn, near, func() error {
		near.(*net.TCPConn).CloseWrite()
		done.Wait()
		return err
	}
}

func TestTL02Renegotiation(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	server := serverConfig(t, transport.CertPEM(p.cert, p.key))
	var log, hellos bytes.Buffer
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", MaxVersion: tls.VersionTLS12, KeyLogWriter: &log,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	near, far := connected(t)
	defer near.Close()
	seen := &recorded{Conn: near, in: &hellos}
	var done sync.WaitGroup
	var serverErr error
	done.Go(func() { _, serverErr = accept(far, server) })
	conn := tls.Client(seen, client)
	assert.NoError(t, conn.Handshake())
	_, err := io.ReadFull(conn, make([]byte, 1))
	assert.NoError(t, err)

	clientRandom, master := secrets(t, &log, "CLIENT_RANDOM")
	serverRandom := hellos.Bytes()[11 : 11+32] // of the ServerHello, the first the server sends
	keys := prf12(master, "key expansion", append(bytes.Clone(serverRandom), clientRandom...), 40)
	hello := append([]byte{1, 0, 0, 41, 3, 3}, clientRandom...)
	hello = append(hello, 0, 0, 2, 0xc0, 0x2b, 1, 0) // no session, one suite, no compression
	assert.NoError(t, writeRecord12(t, near, keys, 22, 1, hello))
	near.(*net.TCPConn).CloseWrite()
	done.Wait()
	if serverErr == nil || !strings.Contains(serverErr.Error(), "unexpected handshake message") {
		t.Errorf("got %v, want the renegotiation refused", serverErr)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "unexpected message") {
		t.Errorf("got %v, want an alert", err)
	}
}

// recorded keeps what the server sends.
type recorded struct {
	net.Conn
	in *bytes.Buffer
}

func (r *recorded) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.in.Write(p[:n])
	return n, err
}

// prf12 is the PRF of RFC 5246, section 5.
func prf12(secret []byte, label string, seed []byte, n int) (out []byte) {
	sum := func(parts ...[]byte) []byte {
		mac := hmac.New(sha256.New, secret)
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	seed = append([]byte(label), seed...)
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

func writeRecord12(t *testing.T, w io.Writer, keys []byte, kind byte, seq uint64, text []byte) error {
	explicit := binary.BigEndian.AppendUint64(nil, seq)
	nonce := append(bytes.Clone(keys[32:36]), explicit...)
	about := append(bytes.Clone(explicit), kind, 3, 3, byte(len(text)>>8), byte(len(text)))
	sealed := gcm(t, keys[:16]).Seal(explicit, nonce, text, about)
	_, err := w.Write(append([]byte{kind, 3, 3, byte(len(sealed) >> 8), byte(len(sealed))}, sealed...))
	return err
}

func TestTL02KeyUpdateFlood(t *testing.T) {
	ca := newCA(t, "ca")
	p := ca.issue(t, names("example.com"))
	server := serverConfig(t, transport.CertPEM(p.cert, p.key))
	for _, updates := range []int{10, 1000} {
		var log bytes.Buffer
		conn, raw, ended := begin(t, server, &tls.Config{RootCAs: ca.pool(), ServerName: "example.com", KeyLogWriter: &log})
		_, secret := secrets(t, &log, "CLIENT_TRAFFIC_SECRET_0")
		if conn.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
			t.Skip("without AES in hardware another suite is chosen")
		}
		expand := func(label string, n int) []byte {
			info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label+"\x00"...)
			out, err := hkdf.Expand(sha256.New, secret, string(info), n)
			assert.NoError(t, err)
			return out
		}
		for range updates {
			text := []byte{24, 0, 0, 1, 1, 22} // key_update with update_requested, in a handshake record
			head := []byte{23, 3, 3, 0, byte(len(text) + 16)}
			sealed := gcm(t, expand("key", 16)).Seal(head, expand("iv", 12), text, head)
			if _, err := raw.Write(sealed); err != nil {
				break // the server is gone
			}
			secret = expand("traffic upd", 32)
		}
		err := ended()
		if many := err != nil && strings.Contains(err.Error(), "too many non-advancing records"); many != (updates > 16) {
			t.Errorf("%d updates: got %v", updates, err)
		}
	}
}
