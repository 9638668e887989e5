package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tako-go/tako/internal/assert"
)

const service = "/tako.conformance.Echo/"

// rawCodec sends bytes as they are: the messages are not what is tested.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}

func (rawCodec) Name() string { return "raw" }

func grpcClient(t *testing.T, s *server, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if s.tls {
		creds = credentials.NewTLS(insecureTLS())
	}
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{}), grpc.MaxCallRecvMsgSize(16<<20))}, options...)
	cc, err := grpc.NewClient("passthrough:///localhost:"+s.port, options...)
	assert.NoError(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

func callContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	t.Cleanup(cancel)
	return ctx
}

func TestGRPCUnary(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		cc := grpcClient(t, s)
		for _, size := range []int{0, 1, 1000, 4 << 20} {
			in, out := bytes.Repeat([]byte{'m'}, size), []byte("other")
			assert.NoError(t, cc.Invoke(callContext(t), service+"Unary", &in, &out), size)
			if !bytes.Equal(in, out) {
				t.Errorf("got %d other bytes, want %d", len(out), size)
			}
		}
		in, out := []byte("x"), []byte(nil)
		err := cc.Invoke(callContext(t), service+"Fail", &in, &out)
		assert.Equal(t, status.Code(err), codes.InvalidArgument)
		assert.Equal(t, status.Convert(err).Message(), "invalid argument: ünfit")
		err = cc.Invoke(callContext(t), service+"None", &in, &out)
		assert.Equal(t, status.Code(err), codes.Unimplemented, "a 404")
	})
}

func TestGRPCMetadata(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		cc := grpcClient(t, s)
		ctx := metadata.AppendToOutgoingContext(callContext(t), "x-echo", "text", "x-echo-bin", "\x00\xff binary")
		in, out := []byte("x"), []byte(nil)
		var header, trailer metadata.MD
		assert.NoError(t, cc.Invoke(ctx, service+"Unary", &in, &out, grpc.Header(&header), grpc.Trailer(&trailer)))
		assert.Equal(t, header.Get("x-echo"), []string{"text"})
		assert.Equal(t, trailer.Get("x-echo-bin"), []string{"\x00\xff binary"})
	})
}

var bidi = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

func TestGRPCBidi(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		stream, err := grpcClient(t, s).NewStream(callContext(t), bidi, service+"Bidi")
		assert.NoError(t, err)
		for i := range 200 {
			in, out := bytes.Repeat([]byte{byte(i)}, i*i), []byte(nil)
			assert.NoError(t, stream.SendMsg(&in))
			assert.NoError(t, stream.RecvMsg(&out))
			if !bytes.Equal(in, out) {
				t.Fatalf("message %d: got %d other bytes, want %d", i, len(out), len(in))
			}
		}
		assert.NoError(t, stream.CloseSend())
		assert.ErrorIs(t, stream.RecvMsg(new([]byte)), io.EOF)
	})
}

// TestGRPCFlood sends all messages before it reads any, beyond what windows hold.
func TestGRPCFlood(t *testing.T) {
	const count, size = 200, 50_000
	each(t, nil, func(t *testing.T, s *server) {
		stream, err := grpcClient(t, s).NewStream(callContext(t), bidi, service+"Bidi")
		assert.NoError(t, err)
		sent := make(chan error, 1)
		go func() {
			var err error
			for range count {
				message := bytes.Repeat([]byte{'f'}, size)
				err = errors.Join(err, stream.SendMsg(&message))
			}
			sent <- errors.Join(err, stream.CloseSend())
		}()
		for i := range count {
			var out []byte
			assert.NoError(t, stream.RecvMsg(&out), i)
			assert.Equal(t, len(out), size)
		}
		assert.NoError(t, <-sent)
		assert.ErrorIs(t, stream.RecvMsg(new([]byte)), io.EOF)
	})
}

func TestGRPCDeadline(t *testing.T) {
	each(t, nil, func(t *testing.T, s *server) {
		cc := grpcClient(t, s)
		in, out := []byte("x"), []byte(nil)
		assert.NoError(t, cc.Invoke(callContext(t), service+"Unary", &in, &out)) // it is connected
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := cc.Invoke(ctx, service+"Wait", &in, &out)
		assert.Equal(t, status.Code(err), codes.DeadlineExceeded, err)
		assert.Eventually(t, peerLimit, "the handler was told", func() bool {
			var begun, cancelled int
			fmt.Sscan(s.ask(t, "/waits"), &begun, &cancelled)
			return cancelled == 1
		})
		assert.NoError(t, cc.Invoke(callContext(t), service+"Unary", &in, &out))
	})
}

// TestGRPCKeepalive has grpc-go send its keepalive pings, which it does every 10 s at
// most, while a stream is silent.
func TestGRPCKeepalive(t *testing.T) {
	silence := 12 * time.Second
	if *long {
		silence = time.Minute / 2 * 9 / 10
	}
	each(t, nil, func(t *testing.T, s *server) {
		cc := grpcClient(t, s, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}))
		ctx, cancel := context.WithTimeout(t.Context(), silence)
		defer cancel()
		in, out := []byte("x"), []byte(nil)
		err := cc.Invoke(ctx, service+"Wait", &in, &out)
		assert.Equal(t, status.Code(err), codes.DeadlineExceeded, err)
		assert.NoError(t, cc.Invoke(callContext(t), service+"Unary", &in, &out))
	})
}
