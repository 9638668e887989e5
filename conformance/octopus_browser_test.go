package conformance_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// openReef runs the example with a certificate of its own until the test ends, and returns its
// addresses by scheme.
func openReef(t *testing.T, runtime string) (o *octopus, urls map[string]string) {
	t.Helper()
	for range 5 {
		o, urls = tryReef(t, runtime)
		// Another program may have the UDP port that is like the TCP port.
		if o.base != "" || !strings.Contains(o.log.String(), syscall.EADDRINUSE.Error()) {
			break
		}
	}
	if o.base == "" {
		t.Fatalf("the example has not said what it listens on:\n%s", tail(o.log.String()))
	}
	return o, urls
}

func tryReef(t *testing.T, runtime string) (o *octopus, urls map[string]string) {
	t.Helper()
	binary, err := octopusBinary()
	assert.NoError(t, err)
	o = new(octopus)
	cmd := exec.Command(binary, "-runtime", runtime, "-listen", "http://127.0.0.1:0,https://127.0.0.1:0,h3://127.0.0.1:0", "-drain", "1s")
	cmd.Stderr, cmd.WaitDelay = &o.log, stopLimit
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	said, quiet := make(chan map[string]string, 1), make(chan struct{})
	go func() {
		defer close(quiet)
		said <- banner(stdout)
		_, _ = io.Copy(io.Discard, stdout)
	}()
	select {
	case urls = <-said:
	case <-time.After(startLimit):
	}
	if o.base = urls["http"]; o.base == "" {
		_ = cmd.Process.Kill()
		<-quiet
		_ = cmd.Wait()
		return o, nil
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		<-quiet // before Wait, which closes the pipe
		o.judge(t, cmd.Wait())
	})
	return o, urls
}

// banner reads where the example listens.
func banner(out io.Reader) map[string]string {
	urls := map[string]string{}
	address := regexp.MustCompile(`^  (\w+)(://\S+)   `)
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C drains") {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			urls[m[1]] = m[1] + m[2]
		}
	}
	return urls
}

// cutter passes connections on to another address, and cuts them off when it is told to.
type cutter struct {
	net.Listener

	mu    sync.Mutex
	to    string
	conns map[net.Conn]struct{}
}

func openCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	c := &cutter{Listener: l, to: to, conns: map[net.Conn]struct{}{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { c.pass(in) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.cut()
		group.Wait()
	})
	return c
}

func (c *cutter) pass(in net.Conn) {
	c.mu.Lock()
	to := c.to
	c.mu.Unlock()
	out, err := net.Dial("tcp", to)
	if err != nil {
		_ = in.Close()
		return
	}
	c.mu.Lock()
	c.conns[in], c.conns[out] = struct{}{}, struct{}{}
	c.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	both.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, in)
	delete(c.conns, out)
}

// move has connections from now on go to another address.
func (c *cutter) move(to string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = to
}

// cut ends all connections, and returns how many there were.
func (c *cutter) cut() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
	return len(c.conns)
}

// reefPage is the page of the example, with a member who writes from elsewhere.
type reefPage struct {
	*browser
	o     *octopus
	token string
}

func openReefPage(t *testing.T, o *octopus) *reefPage {
	t.Helper()
	r := &reefPage{browser: openBrowser(t), o: o}
	r.call(t, "Security.setIgnoreCertificateErrors", map[string]any{"ignore": true}, nil)
	resp, err := http.Post(o.base+"/api/v1/users", "application/json", strings.NewReader(`{"name":"me","password":"eight arms"}`))
	assert.NoError(t, err)
	defer resp.Body.Close()
	var in struct{ Token string }
	assert.NoError(t, json.NewDecoder(resp.Body).Decode(&in))
	r.token = in.Token
	return r
}

// post writes to the lagoon by the API.
func (r *reefPage) post(t *testing.T, text string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"text": text})
	assert.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "POST", r.o.base+"/api/v1/reefs/lagoon/messages", strings.NewReader(string(body)))
	assert.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	assert.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, resp.StatusCode, http.StatusCreated)
}

// signIn is done as people do it.
func (r *reefPage) signIn(t *testing.T) {
	t.Helper()
	r.eval(t, `document.getElementById("account").click()`)
	r.eval(t, `(() => { const f = document.querySelector("#door form");
		f.elements.name.value = "me"; f.elements.password.value = "eight arms"; document.getElementById("in").click() })()`)
	r.await(t, `document.getElementById("who")?.textContent === "me"`)
}

// choose takes a transport by the switch on the page.
func (r *reefPage) choose(t *testing.T, value, name string) {
	t.Helper()
	r.eval(t, `(() => { const s = document.getElementById("transport"); s.value = "`+value+`"; s.dispatchEvent(new Event("change")) })()`)
	r.await(t, `document.getElementById("carrier")?.textContent === "`+name+`" && document.querySelectorAll("#messages li").length > 3`)
}

// write is done as people do it.
func (r *reefPage) write(t *testing.T, text string) {
	t.Helper()
	r.eval(t, `(() => { const f = document.getElementById("write"); f.elements.text.value = "`+text+`"; f.requestSubmit() })()`)
}

// shown is true when these are the last messages on the page, once and in order.
func (r *reefPage) shown(t *testing.T, texts ...string) {
	t.Helper()
	want, err := json.Marshal(texts)
	assert.NoError(t, err)
	r.await(t, `(want => JSON.stringify([...document.querySelectorAll("#messages .text")].map(e => e.textContent).slice(-want.length)) === JSON.stringify(want))(`+
		string(want)+`)`)
}

// TestOctopusChromium looks at the page of the example in a browser: live messages over all three
// transports, connections that are cut off, an upload and a sound.
func TestOctopusChromium(t *testing.T) {
	eachRuntimeName(t, func(t *testing.T, runtime string) {
		o, urls := openReef(t, runtime)
		r := openReefPage(t, o)
		r.open(t, urls["https"]+"/")
		r.await(t, `document.getElementById("carrier")?.textContent === "WebTransport"`) // the best there is
		r.signIn(t)
		for value, name := range map[string]string{"sse": "Server-sent events", "websocket": "WebSocket", "webtransport": "WebTransport"} {
			r.choose(t, value, name)
			r.write(t, "from the page by "+value)
			r.shown(t, "from the page by "+value)
			r.post(t, "from elsewhere to "+value)
			r.shown(t, "from the page by "+value, "from elsewhere to "+value)
		}
		r.await(t, `/live, [\d.]+ ms/.test(document.getElementById("link")?.textContent) || document.getElementById("carrier")?.textContent !== "WebTransport"`)
		r.refuses(t)
		r.upload(t)
		r.play(t)
		assert.Equal(t, r.complaints(), "")
		c := openCutter(t, strings.TrimPrefix(o.base, "http://"))
		r.cutOff(t, c)
		r.restart(t, c, runtime)
		r.open(t, "about:blank")
		for _, want := range []string{`/socket .*proto=HTTP/1.1`, `/socket .*proto=HTTP/2`, `/session .*proto=HTTP/3`, `path=/files/1-tide.wav .*status=206`} {
			re := regexp.MustCompile(want)
			assert.Eventually(t, peerLimit, "in the log: "+want, func() bool { return re.MatchString(o.log.String()) })
		}
	})
}

// refuses has a session of WebTransport refuse what the API refuses, and go on, until a line is too long.
func (r *reefPage) refuses(t *testing.T) {
	t.Helper()
	got := r.eval(t, `(async () => {
		const has = await (await fetch("/api/v1/transports")).json();
		const value = Uint8Array.from(atob(has.certificateHash), c => c.charCodeAt(0));
		const wt = new WebTransport(location.origin + "/api/v1/reefs/lagoon/session", {serverCertificateHashes: [{algorithm: "sha-256", value}]});
		await wt.ready;
		const {readable, writable} = await wt.createBidirectionalStream();
		const out = writable.getWriter(), encoder = new TextEncoder(), token = localStorage.getItem("token");
		const reader = readable.pipeThrough(new TextDecoderStream()).getReader();
		let rest = "";
		const told = async () => {
			while (!rest.includes("\n")) rest += (await reader.read()).value;
			const end = rest.indexOf("\n"), line = rest.slice(0, end);
			rest = rest.slice(end + 1);
			const got = JSON.parse(line);
			return [got.type, got.ref, got.status].filter(Boolean).join(" ");
		};
		await out.write(encoder.encode("\n"));
		const answers = [await told()];
		for (const said of [{ref: 1, text: "from a guest"}, {ref: 2, token: "nonsense", text: "from nobody"}, {ref: 3, token, text: " "},
			{ref: 4, token, text: "x".repeat(2001)}, {ref: 5, token, text: 5}]) {
			await out.write(encoder.encode(JSON.stringify(said) + "\n"));
			answers.push(await told());
		}
		out.write(encoder.encode("x".repeat(40000))).catch(() => {});
		const {closeCode, reason} = await wt.closed;
		return answers.join(", ") + ", closed " + closeCode + " " + reason;
	})()`)
	assert.Equal(t, got, "joined, refused 1 401, refused 2 401, refused 3 422, refused 4 422, refused 400, closed 3 the line is too long")
}

// eachRuntimeName runs test in parallel for both runtimes.
func eachRuntimeName(t *testing.T, test func(t *testing.T, runtime string)) {
	tool(t, "chromium")
	t.Parallel()
	if *reference {
		t.Skip("the example has no such runtime")
	}
	for _, runtime := range []string{"std", "loop"} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			test(t, runtime)
		})
	}
}

// upload shares a file and watches its bar.
func (r *reefPage) upload(t *testing.T) {
	t.Helper()
	r.eval(t, `(() => {
		window.bars = [];
		new MutationObserver(() => document.querySelectorAll("#uploads progress").forEach(bar => bars.push(bar.value)))
			.observe(document.getElementById("uploads"), {subtree: true, childList: true, attributes: true});
		const files = new DataTransfer();
		files.items.add(new File([new Uint8Array(12 << 20)], "large.bin"));
		const chooser = document.getElementById("file");
		chooser.files = files.files;
		chooser.dispatchEvent(new Event("change"));
	})()`)
	r.await(t, `[...document.querySelectorAll("#files a")].some(a => a.textContent === "large.bin")`)
	r.await(t, `bars.at(-1) === 1 && bars.every((v, i) => i === 0 || v >= bars[i-1])`)
	if r.eval(t, `bars.some(v => v > 0 && v < 1)`) != "true" {
		t.Errorf("the bar has not moved: %s", r.eval(t, `JSON.stringify(bars)`))
	}
	r.await(t, `document.querySelector("#uploads li") === null`)
}

// play has a sound played from its end.
func (r *reefPage) play(t *testing.T) {
	t.Helper()
	r.eval(t, `[...document.querySelectorAll("#files a")].find(a => a.textContent === "tide.wav").click()`)
	r.await(t, `document.querySelector("#stage audio")?.readyState > 0`)
	assert.Equal(t, r.eval(t, `document.querySelector("#stage audio").duration`), "30")
	r.eval(t, `(() => { const a = document.querySelector("#stage audio"); a.pause(); a.onseeked = () => window.sought = a.currentTime; a.currentTime = 25 })()`)
	r.await(t, `window.sought === 25`)
	r.eval(t, `document.getElementById("stop").click()`)
}

// cutOff has the page lose its connections and come back: it shows what was written meanwhile, once
// and in order.
func (r *reefPage) cutOff(t *testing.T, c *cutter) {
	t.Helper()
	r.open(t, "http://"+c.Addr().String()+"/")
	r.await(t, `document.getElementById("carrier")?.textContent === "WebSocket"`)
	r.choose(t, "webtransport", "WebSocket in place of WebTransport") // without HTTPS no sessions
	for value, name := range map[string]string{"sse": "Server-sent events", "websocket": "WebSocket"} {
		r.choose(t, value, name)
		r.post(t, "before, "+value)
		r.shown(t, "before, "+value)
		r.eval(t, `window.mark = document.querySelector("#messages li:last-child")`)
		if c.cut() == 0 {
			t.Error("there was no connection to cut off")
		}
		r.post(t, "away, "+value)
		r.post(t, "away still, "+value)
		r.await(t, `document.getElementById("link")?.textContent === "live"`)
		r.post(t, "back, "+value)
		r.shown(t, "before, "+value, "away, "+value, "away still, "+value, "back, "+value)
		// Events that were missed are sent again; after a socket the page loads its messages anew.
		assert.Equal(t, r.eval(t, `window.mark.isConnected`), map[bool]string{true: "true", false: "false"}[value == "sse"], value)
	}
}

// restart has another process take the place of the first, with other messages: what the page has
// seen last is not known there, so it loads them anew.
func (r *reefPage) restart(t *testing.T, c *cutter, runtime string) {
	t.Helper()
	r.choose(t, "sse", "Server-sent events")
	next, _ := openReef(t, runtime)
	c.move(strings.TrimPrefix(next.base, "http://"))
	if c.cut() == 0 {
		t.Error("there was no connection to cut off")
	}
	r.await(t, `document.querySelectorAll("#messages li").length === 4`)
	r.await(t, `document.getElementById("link").textContent === "live"`)
}
