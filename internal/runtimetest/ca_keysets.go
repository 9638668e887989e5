package runtimetest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/auth/jwt"
)

func keySetCases() []testCase {
	t401 := turned("401")
	refused := replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 401 ")
	return []testCase{
		{id: "CA-12/unknown-ids", run: unknownKeyIDs, faults: []fault{t401, planted("no-interval")}},
		{id: "CA-12/rotation", run: keySetRotation, faults: []fault{refused, t401}},
		{id: "CA-12/down", run: keySetDown, faults: []fault{turned("503"), refused, planted("kept-for-ever")}},
		{id: "CA-12/slow", run: keySetSlow, faults: []fault{refused, planted("all-wait")}},
	}
}

// issuer serves the public keys of a service that issues tokens.
type issuer struct {
	address string

	mu     sync.Mutex
	ids    []string
	status int
	slow   chan struct{} // answers wait until it is closed, nil for no wait
	asked  int
	now    time.Time
}

// issuer starts one with keys of these ids, all the same key.
func (x *T) issuer(ids ...string) *issuer {
	x.Helper()
	is := &issuer{ids: ids, status: 200, now: time.Unix(now, 0)}
	ln := x.listenTCP()
	is.address = "http://" + ln.Addr().String() + "/keys"
	srv := &http.Server{Handler: is, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(ln) }()
	x.Cleanup(func() { _ = srv.Close() })
	return is
}

// ServeHTTP answers with the keys.
func (is *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	is.mu.Lock()
	is.asked++
	status, slow := is.status, is.slow
	type key struct {
		Type string `json:"kty"`
		ID   string `json:"kid"`
		N    string `json:"n"`
		E    string `json:"e"`
	}
	var set struct {
		Keys []key `json:"keys"`
	}
	for _, id := range is.ids {
		set.Keys = append(set.Keys, key{"RSA", id, base64.RawURLEncoding.EncodeToString(suiteRSA().N.Bytes()), "AQAB"})
	}
	is.mu.Unlock()
	if slow != nil {
		<-slow
	}
	body, _ := json.Marshal(set)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(body))
}

func (is *issuer) change(f func()) {
	is.mu.Lock()
	defer is.mu.Unlock()
	f()
}

func (is *issuer) fetches() int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.asked
}

// after sets the clock of the key set forward.
func (is *issuer) after(d time.Duration) { is.change(func() { is.now = is.now.Add(d) }) }

func (is *issuer) clock() time.Time {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.now
}

// guardedBy serves a route that needs a token of an issuer.
func (x *T) guardedBy(is *issuer, config jwt.KeySetConfig) *server {
	x.Helper()
	config.AllowHTTP, config.Clock = true, is.clock
	transport := new(http.Transport)
	config.Client = &http.Client{Transport: transport}
	keys, err := jwt.NewKeySet(is.address, config)
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() {
		_ = keys.Close()
		transport.CloseIdleConnections()
	})
	verifier, err := jwt.New(jwt.Config{KeySet: keys, Clock: is.clock})
	if err != nil {
		x.Fatal(err)
	}
	return x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, verifier)
		tako.Get(app, "/", fine[tokenClaims])
	})
}

// rsaToken is a token of the issuer.
func (x *T) rsaToken(id string) string {
	token, err := jwt.Sign(jwt.Key{ID: id, Algorithm: jwt.RS256, Key: suiteRSA()}, json.RawMessage(lasting))
	if err != nil {
		x.Fatal(err)
	}
	return token
}

func bearerLine(token string) string { return "Authorization: Bearer " + token }

// unknownKeyIDs come by the thousand, over a few connections at the same time.
func unknownKeyIDs(x *T) {
	is := x.issuer("a")
	config := jwt.KeySetConfig{}
	if x.planted("no-interval") {
		config.MinInterval = time.Nanosecond
	}
	s := x.guardedBy(is, config)
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	is.after(time.Minute)
	token := forgedToken(`{"alg":"RS256","kid":"a"}`, lasting, secret("a"))
	s.get("/", 401, bearerLine(token))
	var all sync.WaitGroup
	for i := range 4 {
		c := s.dial()
		all.Go(func() {
			for j := range 250 {
				unknown := forgedToken(`{"alg":"RS256","kid":"`+itoa(i*1000+j)+`"}`, lasting, secret("a"))
				if x.planted("no-interval") {
					is.after(time.Second)
				}
				c.send(request("GET", "/", "", bearerLine(unknown)))
				if r, err := c.tryRead("GET"); err != nil || r.status != 401 {
					x.Errorf("an unknown id is answered %+v and %v", r, err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := is.fetches(); n > 2 {
		x.Errorf("1000 unknown ids had the keys fetched %d times", n)
	}
	s.get("/", 200, bearerLine(x.rsaToken("a")))
}

// keySetRotation finds a new key when a token names it, and drops the one that is gone.
func keySetRotation(x *T) {
	is := x.issuer("a")
	s := x.guardedBy(is, jwt.KeySetConfig{})
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	s.get("/", 401, bearerLine(x.rsaToken("b")))
	is.change(func() { is.ids = []string{"b"} })
	is.after(jwt.DefaultMinInterval)
	s.get("/", 200, bearerLine(x.rsaToken("b")))
	s.get("/", 401, bearerLine(x.rsaToken("a")))
}

// keySetDown goes on with the keys it has, up to their age, and says 503 without any.
func keySetDown(x *T) {
	is := x.issuer("a")
	is.change(func() { is.status = 500 })
	config := jwt.KeySetConfig{KeepFor: time.Hour}
	if x.planted("kept-for-ever") {
		config.KeepFor = 1 << 62
	}
	s := x.guardedBy(is, config)
	if r := s.get("/", 503, bearerLine(x.rsaToken("a"))); contains(r.body, "127.0.0.1") {
		x.Errorf("the answer tells where the keys are: %s", r.body)
	}
	is.change(func() { is.status = 200 })
	is.after(jwt.DefaultMinInterval)
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	is.change(func() { is.status = 500 })
	is.after(59 * time.Minute)
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	is.after(2 * time.Minute)
	s.get("/", 503, bearerLine(x.rsaToken("a")))
}

// keySetSlow does not delay those whose key is there.
func keySetSlow(x *T) {
	is := x.issuer("a")
	s := x.guardedBy(is, jwt.KeySetConfig{})
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	slow := make(chan struct{})
	defer close(slow)
	is.change(func() { is.slow = slow })
	is.after(jwt.DefaultRefresh)
	before := is.fetches()
	if x.planted("all-wait") {
		s.get("/", 200, bearerLine(x.rsaToken("b")))
	}
	s.get("/", 200, bearerLine(x.rsaToken("a")))
	x.until("the keys are fetched again", func() bool { return is.fetches() > before })
	s.get("/", 200, bearerLine(x.rsaToken("a")))
}
