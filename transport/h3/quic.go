package h3

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	h3log "github.com/quic-go/quic-go/http3/qlog"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"

	"github.com/tako-go/tako"
)

// silence is how long a connection may hear nothing of its client, who is asked by PING
// meanwhile, where the idle timeout does not say.
const silence = 75 * time.Second

// forEver stands in for no limit where the library takes 0 for a default.
const forEver = 1000 * time.Hour

func (s *Server) quicConfig() *quic.Config {
	l := &s.cfg.Limits
	handshake, idle := l.HandshakeTimeout/2, l.IdleTimeout // the library doubles the first
	if handshake < 0 {
		handshake = forEver
	}
	if idle < 0 {
		idle = silence
	}
	return &quic.Config{
		HandshakeIdleTimeout:           handshake,
		MaxIdleTimeout:                 max(idle, 30*time.Second), // that of requests is our own
		InitialStreamReceiveWindow:     uint64(s.cfg.Window),
		MaxStreamReceiveWindow:         uint64(s.cfg.MaxWindow),
		InitialConnectionReceiveWindow: uint64(s.cfg.ConnWindow),
		MaxConnectionReceiveWindow:     uint64(s.cfg.MaxConnWindow),
		MaxIncomingStreams:             int64(s.cfg.Streams),
		MaxIncomingUniStreams:          int64(s.cfg.UniStreams),
		KeepAlivePeriod:                max(s.cfg.KeepAlive, 0),
		EnableDatagrams:                s.cfg.Datagrams,
		Tracer:                         s.tracer(),

		EnableStreamResetPartialDelivery: s.cfg.WebTransport != nil,
	}
}

// newTransport begins to read the socket.
func (s *Server) newTransport() *quic.Transport {
	return &quic.Transport{
		Conn:                  s.socket,
		ConnectionIDGenerator: s.keys.Tag,
		StatelessResetKey:     (*quic.StatelessResetKey)(&s.keys.Reset),
		TokenGeneratorKey:     (*quic.TokenGeneratorKey)(&s.keys.Token),
		VerifySourceAddress:   s.verify,
		ConnContext:           s.admit,
	}
}

// tagLen is how much of a connection id tells whose it is; the rest is random.
const (
	tagLen = 4
	idLen  = 12
)

// tag marks the connection ids of one process among those that share a socket.
type tag [tagLen]byte

func newTag() (t tag) {
	_, _ = rand.Read(t[:])
	return t
}

// GenerateConnectionID returns a new id with the tag.
func (t tag) GenerateConnectionID() (quic.ConnectionID, error) {
	id := make([]byte, idLen)
	copy(id, t[:])
	_, _ = rand.Read(id[tagLen:])
	return quic.ConnectionIDFromBytes(id), nil
}

// ConnectionIDLen is the length of all ids.
func (t tag) ConnectionIDLen() int { return idLen }

// keys are what a process needs to go on with what another has begun.
type keys struct {
	Tag          tag
	Reset, Token [32]byte
}

func newKeys() (k keys) {
	k.Tag = newTag()
	_, _ = rand.Read(k.Reset[:])
	_, _ = rand.Read(k.Token[:])
	return k
}

func (s *Server) tracer() func(context.Context, bool, quic.ConnectionID) qlogwriter.Trace {
	if s.cfg.QLog == nil {
		return nil
	}
	return func(_ context.Context, _ bool, id quic.ConnectionID) qlogwriter.Trace {
		w := s.cfg.QLog(id.String())
		if w == nil {
			return nil
		}
		seq := qlogwriter.NewConnectionFileSeq(&bufferedFile{bufio.NewWriter(w), w}, false, id, []string{qlog.EventSchema, h3log.EventSchema})
		go seq.Run()
		return seq
	}
}

// bufferedFile writes few large pieces.
type bufferedFile struct {
	*bufio.Writer
	file io.Closer
}

// Close writes what is left.
func (b *bufferedFile) Close() error { return errors.Join(b.Flush(), b.file.Close()) }

// newHTTP3 makes the server of the library. It gets no logger, as it would be told of every
// request: panics end before they reach it.
func (s *Server) newHTTP3(cfg *Config) *http3.Server {
	return &http3.Server{
		Handler:         http.HandlerFunc(s.serveHTTP),
		EnableDatagrams: cfg.Datagrams,
		MaxHeaderBytes:  fieldSection(&cfg.Limits),
		ConnContext: func(ctx context.Context, qc *quic.Conn) context.Context {
			return fromContext(qc.Context()).open(ctx, qc)
		},
	}
}

// fieldSection is a limit for the library that counts 32 bytes a field line (RFC 9114, section
// 4.2.2) and is never below what HeaderBytes and HeaderFields allow together.
func fieldSection(l *tako.Limits) int {
	if l.HeaderBytes < 0 || l.HeaderFields < 0 {
		return 1 << 30
	}
	return min(l.HeaderBytes, 1<<30) + 32*(min(l.HeaderFields, 1<<20)+8)
}

func closeWith(qc *quic.Conn, code http3.ErrCode, reason string) {
	_ = qc.CloseWithError(quic.ApplicationErrorCode(code), reason)
}
