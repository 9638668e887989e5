package conformance_test

import (
	"flag"
	"testing"
	"time"
)

// autobahnLimit bounds a run of some cases; all take five minutes where nothing else runs.
const autobahnLimit = 10 * time.Minute

// everything runs all cases on all servers, for which it takes hours.
var everything = flag.Bool("autobahn", false, "run all cases of Autobahn everywhere")

// protocolCases are the groups of Autobahn about the protocol as such.
func protocolCases() []string {
	return []string{"1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"}
}

// fuzzCases are those, and some about limits (9) and compression (12, 13). With -long they are all about
// limits, and more about compression.
func fuzzCases() []string {
	switch {
	case *everything:
		return append(protocolCases(), "9.*", "12.*", "13.*")
	case !*long:
		return append(protocolCases(), "9.1.1", "9.2.1", "9.3.5", "9.7.1", "9.8.1",
			"12.1.1", "12.2.4", "12.3.5", "13.1.2", "13.2.2", "13.3.1", "13.4.2", "13.5.1", "13.6.2", "13.7.2")
	}
	return append(protocolCases(), "9.*", "12.1.6", "12.2.15", "12.3.6", "12.4.15", "12.5.6",
		"13.1.15", "13.2.6", "13.3.15", "13.4.6", "13.5.15", "13.6.6", "13.7.15")
}

// fewCases are those about the protocol, and some about compression.
func fewCases() []string {
	if *everything {
		return fuzzCases()
	}
	return append(protocolCases(), "12.3.1", "13.1.1", "13.7.1")
}

// countOf is how many cases a list stands for.
func countOf(cases []string) (n int) {
	groups := map[string]int{"1.*": 16, "2.*": 11, "3.*": 7, "4.*": 10, "5.*": 20, "6.*": 145, "7.*": 37, "9.*": 54, "10.*": 1,
		"12.*": 90, "13.*": 126}
	for _, c := range cases {
		if size, ok := groups[c]; ok {
			n += size
		} else {
			n++
		}
	}
	return n
}

// TestAutobahn is WS-12: Autobahn's client tries the server of each runtime in both forms, over
// TCP, TLS, HTTP/2 and HTTP/3. With -long more of its cases are run, with -autobahn all.
func TestAutobahn(t *testing.T) {
	ours(t)
	t.Parallel()
	try := func(t *testing.T, way string, cases []string, url func(t *testing.T, path string) string) {
		for _, form := range wsForms() {
			t.Run(way+"/"+form.name, func(t *testing.T) {
				t.Parallel()
				fuzzServer(t, url(t, form.path), cases, nil)
			})
		}
	}
	t.Run("server", func(t *testing.T) {
		each(t, nil, func(t *testing.T, s *server) {
			direct := fuzzCases()
			if s.tls {
				direct = fewCases()
			}
			try(t, "h1", direct, func(_ *testing.T, path string) string { return s.wsURL(path) })
			if !s.tls {
				t.Run("alone", func(t *testing.T) {
					t.Parallel()
					fuzzServer(t, s.wsURL("/ws/alone"), []string{"12.1.1", "12.3.5", "13.1.2", "13.2.2", "13.5.1"}, nil)
				})
			}
			if s.tls || *long {
				try(t, "h2", fewCases(), func(t *testing.T, path string) string { return s.bridgeH2(t) + path })
			}
		})
	})
	t.Run("h3", func(t *testing.T) {
		eachH3(t, func(t *testing.T, s *server) {
			try(t, "h3", fewCases(), func(t *testing.T, path string) string { return s.bridgeH3(t) + path })
		})
	})
}

// TestAutobahnReference tries servers that others wrote, to tell what is wrong with the test.
func TestAutobahnReference(t *testing.T) {
	if !*reference {
		t.Skip("only with -reference")
	}
	for _, peer := range wsPeers() {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			fuzzServer(t, startPeer(t, peer), fuzzCases(), peer.apart)
		})
	}
}
