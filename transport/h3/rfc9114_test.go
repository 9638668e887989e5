package h3_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

func echoApp() *tako.Router {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "ok") })
	app.Any("/echo", echo)
	return app
}

// goesOn checks that a connection still serves.
func goesOn(t *testing.T, r *raw) {
	t.Helper()
	a := r.request(ask("GET", "/"))
	assert.NoError(t, a.err)
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, "ok")
}

// Cases that end the connection, or, where the code is 0, do not. Where rfc is set the
// library does otherwise than that code of the RFC; the package comment says so.
var connectionCases = []struct {
	id, name string
	bare     bool // without a control stream
	do       func(r *raw)
	code     http3.ErrCode
	rfc      http3.ErrCode
}{
	{"H3-01", "two control streams", false, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings)) }, http3.ErrCodeStreamCreationError, 0},
	{"H3-01", "control stream closed", false, func(r *raw) { _ = r.control.Close() }, http3.ErrCodeClosedCriticalStream, 0},
	{"H3-01", "control stream reset", false, func(r *raw) { r.request(ask("GET", "/")); r.control.CancelWrite(0x100) }, http3.ErrCodeClosedCriticalStream, 0},
	{"H3-01", "no SETTINGS first", true, func(r *raw) { r.uni(varints(streamControl), frame(frameGoAway, 0)) }, http3.ErrCodeMissingSettings, 0},
	{"H3-01", "SETTINGS twice", false, func(r *raw) { _, _ = r.control.Write(frame(frameSettings)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-01", "push stream", false, func(r *raw) { r.uni(varints(streamPush, 0)) }, http3.ErrCodeStreamCreationError, 0},
	{"H3-01", "two encoder streams", false, func(r *raw) { r.uni(varints(streamEncoder)); r.uni(varints(streamEncoder)) }, http3.ErrCodeStreamCreationError, 0},
	{"H3-01", "two decoder streams", false, func(r *raw) { r.uni(varints(streamDecoder)); r.uni(varints(streamDecoder)) }, http3.ErrCodeStreamCreationError, 0},
	{"H3-01", "encoder stream closed", false, func(r *raw) { _ = r.uni(varints(streamEncoder)).Close() }, 0, http3.ErrCodeClosedCriticalStream},
	{"H3-01", "DATA on the control stream", false, func(r *raw) { _, _ = r.control.Write(frame(frameData, 1)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-01", "HEADERS on the control stream", false, func(r *raw) { _, _ = r.control.Write(ask("GET", "/")) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-02", "setting of HTTP/2", true, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings, varints(0x2, 1)...)) }, 0, http3.ErrCodeSettingsError},
	{"H3-02", "duplicate setting", true, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings, varints(0x6, 1000, 0x6, 1000)...)) }, http3.ErrCodeFrameError, http3.ErrCodeSettingsError},
	{"H3-02", "duplicate unknown setting", true, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings, varints(0x21, 1, 0x21, 1)...)) }, http3.ErrCodeFrameError, http3.ErrCodeSettingsError},
	{"H3-02", "unknown setting", true, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings, varints(0x21, 1)...)) }, 0, 0},
	{"H3-02", "cut SETTINGS", true, func(r *raw) { r.uni(varints(streamControl), frame(frameSettings, 0x06)) }, http3.ErrCodeClosedCriticalStream, http3.ErrCodeFrameError},
	{"H3-02", "huge SETTINGS", true, func(r *raw) { r.uni(varints(streamControl, frameSettings, 1<<62-1)) }, http3.ErrCodeFrameError, 0},
	{"H3-03", "DATA before HEADERS", false, func(r *raw) { r.open(frame(frameData, 1)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "SETTINGS on a request stream", false, func(r *raw) { r.open(frame(frameSettings)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "frame of HTTP/2", false, func(r *raw) { r.open(frame(0x6, 1)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "frame of HTTP/2 in a body", false, func(r *raw) { r.open(ask("POST", "/echo"), frame(0x8, 1)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "frame of HTTP/2 on the control stream", false, func(r *raw) { _, _ = r.control.Write(frame(0x2, 1)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "SETTINGS in a body", false, func(r *raw) { r.open(ask("POST", "/echo"), frame(frameSettings)) }, http3.ErrCodeFrameUnexpected, 0},
	{"H3-03", "PUSH_PROMISE", false, func(r *raw) { r.open(frame(0x5, 0)) }, 0, http3.ErrCodeFrameUnexpected},
	{"H3-03", "body cut in a frame", false, func(r *raw) { _ = r.open(ask("POST", "/echo"), varints(frameData, 100), []byte("abc")).Close() }, http3.ErrCodeFrameError, 0},
	{"H3-03", "HEADERS cut", false, func(r *raw) { _ = r.open(ask("GET", "/")[:20]).Close() }, 0, http3.ErrCodeFrameError},
	{"H3-03", "unknown frame", false, func(r *raw) { r.open(frame(0x21, 1, 2, 3), ask("GET", "/")) }, 0, 0},
	{"H3-03", "unknown frame without end", false, func(r *raw) { r.open(varints(0x21, 1<<62-1), bytes.Repeat([]byte("x"), 100_000)) }, 0, 0},
	{"H3-05", "reference into an empty table", false, func(r *raw) { r.open(frame(frameHeaders, 0x02, 0x00, 0x80)) }, 0, http3.ErrCodeQPACKDecompressionFailed},
	{"H3-05", "static index out of range", false, func(r *raw) { r.open(frame(frameHeaders, 0x00, 0x00, 0xff, 0x7f)) }, 0, http3.ErrCodeQPACKDecompressionFailed},
	{"H3-05", "instructions for the table", false, func(r *raw) { r.uni(varints(streamEncoder), []byte{0x3f, 0xe1, 0x1f}) }, 0, 0},
	{"H3-07", "unknown unidirectional streams", false, func(r *raw) {
		for range 100 {
			_ = r.uni(varints(0x21), []byte("grease")).Close()
		}
	}, 0, 0},
}

func TestConnectionRules(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	for _, tt := range connectionCases {
		t.Run(tt.id+"/"+strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			var r *raw
			if tt.bare {
				r = &raw{Conn: dial(t, s), t: t}
			} else {
				r = dialRaw(t, s)
			}
			tt.do(r)
			if tt.code == 0 {
				goesOn(t, r)
				return
			}
			assert.Equal(t, closedWith(t, r.Conn), tt.code)
		})
	}
	t.Run("after all", func(t *testing.T) { goesOn(t, dialRaw(t, s)) })
}

// Cases that end one stream, with a status or a reset.
var messageCases = []struct {
	id, name string
	send     [][]byte
	status   int
	reset    http3.ErrCode
	body     string
}{
	{"H3-03", "HEADERS after trailers", [][]byte{ask("POST", "/echo"), frame(frameData, 'a'), fields("sum", "1"), fields("sum", "2")}, 400, 0, ""},
	{"H3-03", "DATA after trailers", [][]byte{ask("POST", "/echo"), frame(frameData, 'a'), fields("sum", "1"), frame(frameData, 'b')}, 400, 0, ""},
	{"H3-03", "unknown frames in a body", [][]byte{ask("POST", "/echo"), frame(0x21, 1), frame(frameData, 'a'), frame(0x40, 2), frame(frameData, 'b')}, 200, 0, "ab"},
	{"H3-04", "upper case", [][]byte{ask("GET", "/", "Accept", "x")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "pseudo field behind", [][]byte{fields(":method", "GET", ":scheme", "https", ":authority", "localhost", "a", "b", ":path", "/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "pseudo field twice", [][]byte{ask("GET", "/", ":path", "/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "space before a value", [][]byte{ask("GET", "/", "a", " b")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "tab behind a value", [][]byte{ask("GET", "/", "a", "b\t")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "space alone", [][]byte{ask("GET", "/", "a", " ")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "empty value", [][]byte{ask("GET", "/", "a", "")}, 200, 0, ""},
	{"H3-04", "unknown pseudo field", [][]byte{ask("GET", "/", ":what", "x")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "pseudo field of responses", [][]byte{ask("GET", "/", ":status", "200")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "no method", [][]byte{fields(":scheme", "https", ":authority", "localhost", ":path", "/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "no path", [][]byte{fields(":method", "GET", ":scheme", "https", ":authority", "localhost")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "empty path", [][]byte{ask("GET", "")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "no scheme", [][]byte{fields(":method", "GET", ":authority", "localhost", ":path", "/")}, 200, 0, "ok"},
	{"H3-04", "path without slash", [][]byte{ask("GET", "x")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "absolute path", [][]byte{ask("GET", "https://other/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "fragment", [][]byte{ask("GET", "/#x")}, 400, 0, "Bad Request\n"},
	{"H3-04", "backslash", [][]byte{ask("GET", `/a\b`)}, 400, 0, "Bad Request\n"},
	{"H3-04", "no authority", [][]byte{fields(":method", "GET", ":scheme", "https", ":path", "/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "Host instead", [][]byte{fields(":method", "GET", ":scheme", "https", ":path", "/", "host", "localhost")}, 200, 0, "ok"},
	{"H3-04", "other Host", [][]byte{ask("GET", "/", "host", "other")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "invalid authority", [][]byte{fields(":method", "GET", ":scheme", "https", ":authority", "a b", ":path", "/")}, 400, 0, "Bad Request\n"},
	{"H3-04", "user in authority", [][]byte{fields(":method", "GET", ":scheme", "https", ":authority", "me@localhost", ":path", "/")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "Connection", [][]byte{ask("GET", "/", "connection", "close")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "Transfer-Encoding", [][]byte{ask("POST", "/echo", "transfer-encoding", "chunked")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "TE", [][]byte{ask("GET", "/", "te", "gzip")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "TE trailers", [][]byte{ask("GET", "/", "te", "trailers")}, 200, 0, "ok"},
	{"H3-04", "line break in a value", [][]byte{ask("GET", "/", "a", "b\r\nc: d")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "invalid name", [][]byte{ask("GET", "/", "a b", "c")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "two lengths", [][]byte{ask("POST", "/echo", "content-length", "1", "content-length", "2"), frame(frameData, 'a')}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "negative length", [][]byte{ask("POST", "/echo", "content-length", "-1")}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "body shorter than declared", [][]byte{ask("POST", "/echo", "content-length", "5"), frame(frameData, 'a')}, 400, 0, ""},
	{"H3-04", "no body where one was declared", [][]byte{ask("POST", "/echo", "content-length", "5")}, 400, 0, ""},
	{"H3-04", "body longer than declared", [][]byte{ask("POST", "/echo", "content-length", "1"), frame(frameData, 'a', 'b')}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "body where the length is 0", [][]byte{ask("GET", "/", "content-length", "0"), frame(frameData, 'a')}, 0, http3.ErrCodeMessageError, ""},
	{"H3-04", "length of 0", [][]byte{ask("POST", "/echo", "content-length", "0")}, 200, 0, ""},
	{"H3-04", "pseudo field in trailers", [][]byte{ask("POST", "/echo"), frame(frameData, 'a'), fields(":path", "/")}, 400, 0, ""},
	{"H3-04", "plain CONNECT", [][]byte{fields(":method", "CONNECT", ":authority", "localhost:1")}, 0, 0, `{"detail":"CONNECT is not served here","status":501,"title":"Not Implemented"}`},
	{"H3-05", "unknown index", [][]byte{frame(frameHeaders, 0x02, 0x00, 0x80)}, 0, http3.ErrCodeQPACKDecompressionFailed, ""},
	{"H3-03", "HEADERS cut", [][]byte{ask("GET", "/")[:20]}, 0, http3.ErrCodeRequestIncomplete, ""},
}

func TestMessageRules(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	for _, tt := range messageCases {
		t.Run(tt.id+"/"+strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := dialRaw(t, s)
			a := r.request(tt.send...)
			assert.Equal(t, a.status, tt.status)
			assert.Equal(t, a.reset, tt.reset)
			if tt.body != "" {
				assert.Equal(t, a.body, tt.body)
			}
			goesOn(t, r)
		})
	}
}

// H3-05: a section over the limit is answered 431.
func TestFieldLimits(t *testing.T) {
	t.Parallel()
	app := echoApp()
	s := start(t, app, h3.Config{Limits: tako.Limits{HeaderBytes: 4 << 10, HeaderFields: 20, TargetBytes: 100}})
	c := newClient(t, s)
	for _, tt := range []struct {
		name, target string
		fields       int
		size         int
		want         int
	}{
		{"within", "/", 5, 100, 200},
		{"target", "/" + strings.Repeat("x", 100), 0, 0, 414},
		{"fields", "/", 30, 1, 431},
		{"bytes", "/", 1, 4 << 10, 431},
		{"more bytes than the library reads", "/", 1, 100 << 10, 431},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := c.request(t, "GET", tt.target, nil)
			for i := range tt.fields {
				req.Header.Set("X-"+strings.Repeat("a", i+1), strings.Repeat("v", tt.size))
			}
			resp, _ := c.do(t, req)
			assert.Equal(t, resp.StatusCode, tt.want)
		})
	}
	assert.Equal(t, s.Stats().RefusedRequests, int64(3))
	_, text := c.get(t, "/")
	assert.Equal(t, text, "ok")
}

// The settings that clients are told.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		s := start(t, echoApp(), h3.Config{Datagrams: on})
		conn := dial(t, s, func(_ *tlsConfig, c *quic.Config) { c.EnableDatagrams = on })
		cc := (&http3.Transport{EnableDatagrams: on}).NewClientConn(conn)
		select {
		case <-cc.ReceivedSettings():
		case <-within(t).Done():
			t.Fatal("no SETTINGS")
		}
		assert.Equal(t, cc.Settings().EnableDatagrams, on)
		assert.Equal(t, conn.ConnectionState().SupportsDatagrams.Remote, on)
	}
}
