package runtimetest

import (
	"testing"
	"time"

	"github.com/tako-go/tako"
)

// A feature is one that a server has or not, as a small server and client show.
type feature struct {
	name    string
	carrier Carrier
	secure  bool // it is one of TLS
	shows   func(x *T)
}

// features are the rows of the table in the documentation, in its order.
func features() []feature {
	return []feature{
		{name: "typed handlers, JSON in and out", shows: showsREST},
		{name: "request bodies as they come", shows: showsUpload},
		{name: "response bodies as they are written", shows: showsStream},
		{name: "trailers of requests", shows: showsTrailerIn},
		{name: "trailers of responses", shows: showsTrailerOut},
		{name: "early hints (103)", shows: showsHints},
		{name: "`100 Continue` when the body is read", shows: expectReads},
		{name: "full duplex: reads and writes at once", shows: showsDuplex},
		{name: "several requests at once on a connection", shows: showsStreams},
		{name: "`Upgrade`: 101, or extended CONNECT", shows: showsUpgrade},
		{name: "`Hijack`", shows: showsHijack},
		{name: "routes swapped under load", shows: showsSwap},
		{name: "handlers learn that the client has gone", shows: leaves(request("GET", "/work", ""), waiting)},
		{name: "handlers learn of a drain", shows: streamTold},
		{name: "limit per client address", shows: showsLimit},
		{name: "TLS", secure: true, shows: func(x *T) { x.serve(tako.Limits{}, nil).get(alivePath, 200) }},
		{name: "certificates of clients (mTLS)", secure: true, shows: showsClientCert},
		{name: "certificates replaced at run time", secure: true, shows: showsReload},
		{name: "`Alt-Svc` for a sibling", secure: true, shows: showsAltSvc},
		{name: "Unix sockets", carrier: Unix, shows: func(x *T) { x.serve(tako.Limits{}, nil).get(alivePath, 200) }},
		{name: "credentials of the peer", carrier: Unix, shows: connInfo("HTTP/1.1")},
		{name: "PROXY protocol, version 1", carrier: ProxyV1, shows: connInfo("HTTP/1.1")},
		{name: "PROXY protocol, version 2", carrier: ProxyV2, shows: connInfo("HTTP/1.1")},
		{name: "sockets shared by processes (`Prefork`, hand-over)", shows: showsOwner},
		{name: "hand-over of sockets that cannot be shared", shows: showsYielder},
	}
}

// Features probes what the target has, and returns the names of what it has not.
func Features(t *testing.T, target Target) (lacks map[string]bool) {
	defaults := captureDefault(t)
	lacks = map[string]bool{}
	for _, f := range features() {
		lacks[f.name] = f.missing(t, target, defaults)
	}
	return lacks
}

// missing looks whether the target has the feature.
func (f feature) missing(t *testing.T, target Target, defaults *logBook) bool {
	if f.secure && !target.Protocol.secure() || f.carrier != TCP && target.Protocol == HTTP3 {
		return true
	}
	r := record(t, "feature", func(tb testing.TB) {
		f.shows(&T{TB: tb, target: target.On(f.carrier), defaults: defaults, patience: 3 * time.Second})
	})
	if !r.Failed() && !r.Skipped() {
		return false
	}
	t.Logf("without %s: %s", f.name, firstLine(r.text()))
	return true
}
