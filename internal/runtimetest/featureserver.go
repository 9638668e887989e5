package runtimetest

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

// The probes of what servers do beside requests.

func showsSwap(x *T) {
	var live *tako.Live
	s := x.serveWith(setup{app: func(app *tako.Router) tako.App {
		live = tako.NewLive(app)
		return live
	}}, nil)
	s.get("/new", 404)
	next := tako.New()
	next.Get("/new", say("new"))
	next.Get(alivePath, say("alive"))
	if err := live.Swap(next); err != nil {
		x.Fatal(err)
	}
	s.get("/new", 200)
}

func showsLimit(x *T) {
	s := x.serve(tako.Limits{Conns: 6, ConnsPerAddr: 2}, nil)
	s.unasked = true
	for range 2 {
		c := s.dial()
		c.get(alivePath)
		defer c.Close()
	}
	over, err := x.connect(nil, s.addr())
	if err != nil {
		return
	}
	c := x.clientOver(over)
	c.send(request("GET", alivePath, ""))
	if r, err := c.tryRead("GET"); err == nil {
		x.Errorf("the third connection of an address is answered %d", r.status)
	}
}

func showsClientCert(x *T) {
	certPEM, keyPEM := pemOf(x.target.authority().site)
	auth := x.clientAuth(false)
	s := x.serveWith(setup{certs: transport.NewCerts(transport.CertConfig{Certs: []transport.Cert{{CertPEM: certPEM, KeyPEM: keyPEM}}, ClientAuth: auth})}, who)
	s.unasked = true
	x.clientCert = x.target.authority().issue(clientUsage, "anna")
	if got := s.get("/who", 200).line("who"); got != "anna" {
		x.Errorf("the client is known as %q", got)
	}
}

func showsReload(x *T) {
	certs := x.certs()
	s := x.serveWith(setup{certs: certs}, func(app *tako.Router) { app.Get("/info", tellInfo) })
	s.get(alivePath, 200)
	renewing(x, certs, "new.example")
	s.reload(nil)
	x.serverName = "new.example"
	s.get(alivePath, 200)
}

func showsAltSvc(x *T) {
	s := x.serve(tako.Limits{}, nil)
	origin, ok := s.raw.(tako.Origin)
	if !ok {
		x.Fatal("it is no Origin")
	}
	origin.Advertise(`h3=":443"`)
	if got := s.get(alivePath, 200).get("Alt-Svc"); got != `h3=":443"` {
		x.Errorf("Alt-Svc is %q", got)
	}
}

func showsOwner(x *T) {
	s := x.serve(tako.Limits{}, nil)
	owner, ok := s.raw.(tako.SocketOwner)
	if !ok {
		x.Fatal("it is no SocketOwner")
	}
	files, err := owner.Sockets()
	for _, f := range files {
		_ = f.Close()
	}
	if err != nil || len(files) == 0 {
		x.Errorf("got %d sockets and %v", len(files), err)
	}
}

func showsYielder(x *T) {
	s := x.serve(tako.Limits{}, nil)
	if _, ok := s.raw.(tako.Yielder); !ok {
		x.Fatalf("%T is no Yielder", s.raw)
	}
}
