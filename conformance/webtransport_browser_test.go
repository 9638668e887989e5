package conformance_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// webTransportPage is for expressions that open sessions: they have hash and base.
const webTransportPage = `<!doctype html><title>sessions</title><script>
const hash = Uint8Array.from(atob(%s), c => c.charCodeAt(0)), base = %s;
const open = async (path, options) => {
	const session = new WebTransport(base + path, {serverCertificateHashes: [{algorithm: "sha-256", value: hash}], ...options});
	session.closed.catch(() => {});
	await session.ready;
	return session;
};
const bytes = text => new TextEncoder().encode(text);
const text = async readable => {
	const decoder = new TextDecoder(), reader = readable.getReader();
	for (let all = "";;) {
		const {value, done} = await reader.read();
		if (done) return all;
		all += decoder.decode(value, {stream: true});
	}
};
const send = async (writable, value) => {
	const writer = writable.getWriter();
	await writer.write(bytes(value));
	await writer.close();
};
</script>`

// webTransportRig is a page in Chromium beside a server of sessions.
type webTransportRig struct {
	*browser
	server  *h3.Server
	drained chan error // how a session of /drains has ended
}

func openWebTransport(t *testing.T) *webTransportRig {
	t.Helper()
	tool(t, "chromium")
	var page http.HandlerFunc
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, r) }))
	t.Cleanup(web.Close)
	certs := transport.SelfSigned()
	app, drained := tako.New(), make(chan error, 1)
	cfg := webtransport.Config{Origins: []string{web.URL}}
	app.Get("/echo", webtransport.Handler(cfg, echoSession))
	app.Get("/closes", webtransport.Handler(cfg, func(context.Context, *webtransport.Session) error {
		return &webtransport.SessionError{Code: 42, Reason: "enough"}
	}))
	app.Get("/drains", webtransport.Handler(cfg, func(ctx context.Context, s *webtransport.Session) error {
		<-s.Draining()
		out, err := s.OpenUniStream(ctx)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(out, "drain")
		_ = out.Close()
		<-ctx.Done()
		drained <- context.Cause(ctx)
		return nil
	}))
	app.Get("/codes", webtransport.Handler(cfg, streamCodes))
	app.Get("/foreign", webtransport.Handler(webtransport.Config{}, echoSession))
	app.Get("/plain", func(c *tako.Context) error { return c.Text(200, "plain") })
	s := h3.New(app, h3.Config{Addr: "127.0.0.1:0", Certs: certs, Log: slog.New(slog.DiscardHandler),
		WebTransport: webtransport.New(webtransport.ServerConfig{})})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		over, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = s.Shutdown(over)
		assert.NoError(t, <-served)
	})
	print := certs.Fingerprint()
	hash, _ := json.Marshal(base64.StdEncoding.EncodeToString(print[:]))
	_, port, err := net.SplitHostPort(s.Addr().String())
	assert.NoError(t, err)
	base, _ := json.Marshal("https://127.0.0.1:" + port)
	page = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, webTransportPage, hash, base)
	}
	rig := &webTransportRig{openBrowser(t), s, drained}
	rig.open(t, web.URL)
	rig.await(t, "window.WebTransport && document.title === 'sessions'")
	return rig
}

// run returns what the body of an async function returns, or throws.
func (r *webTransportRig) run(t *testing.T, body string) string {
	t.Helper()
	return r.eval(t, "(async () => {"+body+"})().catch(e => 'error: ' + e.name + ' ' + e.message + ' ' + e.streamErrorCode)")
}

func echoSession(ctx context.Context, s *webtransport.Session) error {
	go func() {
		for {
			in, err := s.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			text, _ := io.ReadAll(in)
			if out, err := s.OpenUniStream(ctx); err == nil {
				_, _ = out.Write(text)
				_ = out.Close()
			}
		}
	}()
	go func() {
		for p, err := s.ReceiveDatagram(ctx); err == nil; p, err = s.ReceiveDatagram(ctx) {
			_ = s.SendDatagram(p)
		}
	}()
	for {
		str, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		go func() {
			defer str.Close()
			_, _ = io.Copy(str, str)
		}()
	}
}

// streamCodes breaks a stream off when the client has done so with code 7.
func streamCodes(ctx context.Context, s *webtransport.Session) error {
	str, err := s.AcceptStream(ctx)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(str)
	theirs, ok := errors.AsType[*webtransport.StreamError](err)
	if !ok || theirs.Code != 7 {
		return err
	}
	str.CancelWrite(33)
	<-ctx.Done()
	return nil
}

// WT-01, WT-02, WT-05, WT-06 with Chromium.
func TestWebTransportChromium(t *testing.T) {
	r := openWebTransport(t)
	t.Run("WT-01 bidirectional", func(t *testing.T) {
		assert.Equal(t, r.run(t, `const s = await open("/echo"), both = await s.createBidirectionalStream();
			send(both.writable, "x".repeat(300000) + "!");
			const got = await text(both.readable); s.close(); return got.length + got.slice(-1)`), "300001!")
	})
	t.Run("WT-01 unidirectional", func(t *testing.T) {
		assert.Equal(t, r.run(t, `const s = await open("/echo");
			for (const value of ["a", "b", "c"]) send(await s.createUnidirectionalStream(), value);
			const got = [], incoming = s.incomingUnidirectionalStreams.getReader();
			while (got.length < 3) got.push(await text((await incoming.read()).value));
			s.close(); return got.sort().join()`), "a,b,c")
	})
	t.Run("WT-01 datagrams", func(t *testing.T) {
		assert.Equal(t, r.run(t, `const s = await open("/echo"), writer = s.datagrams.writable.getWriter(), reader = s.datagrams.readable.getReader();
			const again = setInterval(() => writer.write(bytes("ping")), 20);
			const got = new TextDecoder().decode((await reader.read()).value);
			clearInterval(again); s.close(); return got`), "ping")
	})
	t.Run("WT-01 many streams", func(t *testing.T) {
		assert.Equal(t, r.run(t, `const s = await open("/echo"); let right = 0;
			for (let i = 0; i < 300; i++) {
				const both = await s.createBidirectionalStream();
				send(both.writable, "s" + i);
				if (await text(both.readable) === "s" + i) right++;
			}
			s.close(); return right`), "300")
	})
	t.Run("WT-05 the server closes", func(t *testing.T) {
		assert.Equal(t, r.run(t, `const why = await (await open("/closes")).closed; return why.closeCode + " " + why.reason`), "42 enough")
	})
	t.Run("WT-05 the client breaks a stream off", func(t *testing.T) {
		got := r.run(t, `const s = await open("/codes"), both = await s.createBidirectionalStream(), writer = both.writable.getWriter();
			await writer.write(bytes("x"));
			await writer.abort(new WebTransportError({message: "no", streamErrorCode: 7}));
			try { return await text(both.readable) } finally { s.close() }`)
		assert.Equal(t, strings.HasPrefix(got, "error: WebTransportError") && strings.HasSuffix(got, " 33"), true, got)
	})
	for _, path := range []string{"/foreign", "/plain", "/nothing"} {
		t.Run("WT-01 WT-02 "+path, func(t *testing.T) {
			assert.Contains(t, r.run(t, `await open("`+path+`"); return "open"`), "error: WebTransportError")
		})
	}
	t.Run("WT-06 drain", func(t *testing.T) {
		r.run(t, `window.session = await open("/drains"); window.told = "no";
			session.incomingUnidirectionalStreams.getReader().read().then(async s => told = await text(s.value)); return ""`)
		done := make(chan tako.Report, 1)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), peerLimit)
			defer cancel()
			report, _ := r.server.Shutdown(ctx)
			done <- report
		}()
		r.await(t, `told === "drain"`)
		r.run(t, `session.close({closeCode: 1, reason: "bye"}); return ""`)
		assert.Equal(t, (<-done).Cut, 0)
		e, ok := errors.AsType[*webtransport.SessionError](<-r.drained)
		assert.Equal(t, ok, true)
		assert.Equal(t, *e, webtransport.SessionError{Code: 1, Reason: "bye", Remote: true})
	})
}
