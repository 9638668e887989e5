package transport

import (
	"crypto/tls"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// An acmeScript answers orders without an authority.
type acmeScript struct {
	orders  acmeOrders
	begun   time.Time
	asked   []time.Duration // when orders went out
	told    int
	fails   error
	stored  bool // by another process
	waiting bool
}

var errDNS = errors.New("no such host")

func newACMEScript() *acmeScript {
	s := &acmeScript{begun: time.Now(), fails: errDNS}
	s.orders = acmeOrders{
		get: func(acmeKey) (*tls.Certificate, error) {
			s.asked = append(s.asked, time.Since(s.begun))
			if s.fails != nil {
				return nil, s.fails
			}
			return &tls.Certificate{}, nil
		},
		cached: func(acmeKey) bool { return s.stored },
		lock:   func(acmeKey) (func(), bool, error) { return func() {}, s.waiting, nil },
		tell:   func(string, error, time.Time) { s.told++ },
	}
	return s
}

func TestACMEPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newACMEScript()
		key, old := acmeKey{host: "example.com"}, acmeKey{host: "example.com", rsa: true}
		for time.Since(s.begun) < 4*time.Hour {
			for _, k := range []acmeKey{key, old} {
				_, err := s.orders.wait(t.Context(), k)
				assert.ErrorIs(t, err, errDNS)
			}
			time.Sleep(time.Second)
		}
		assert.Equal(t, s.told, len(s.asked))
		want := []time.Duration{0, time.Minute, 5 * time.Minute, 21 * time.Minute, 81 * time.Minute, 141 * time.Minute, 201 * time.Minute}
		assert.Equal(t, len(s.asked), len(want), s.asked[:min(10, len(s.asked))])
		for i := range want {
			assert.Equal(t, s.asked[i].Round(time.Minute), want[i])
		}

		s.fails = nil
		time.Sleep(time.Hour)
		_, err := s.orders.wait(t.Context(), key)
		assert.NoError(t, err)
		// The other key type fails now, which must not touch the first.
		s.fails = errDNS
		_, err = s.orders.wait(t.Context(), old)
		assert.ErrorIs(t, err, errDNS)
		s.fails = nil
		_, err = s.orders.wait(t.Context(), key)
		assert.NoError(t, err)
	})
}

// A certificate that another process has stored ends the pause.
func TestACMEOtherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newACMEScript()
		key := acmeKey{host: "example.com"}
		s.waiting = true
		_, err := s.orders.wait(t.Context(), key)
		assert.ErrorIs(t, err, errOtherProcess)
		assert.Equal(t, len(s.asked), 0, "what failed elsewhere is not tried again at once")
		s.waiting = false
		time.Sleep(2 * time.Minute)
		_, err = s.orders.wait(t.Context(), key)
		assert.ErrorIs(t, err, errDNS)
		assert.Equal(t, len(s.asked), 1)

		s.stored, s.fails = true, nil
		_, err = s.orders.wait(t.Context(), key)
		assert.ErrorIs(t, err, errDNS, "autocert does not look again yet")
		time.Sleep(2 * time.Minute)
		_, err = s.orders.wait(t.Context(), key)
		assert.NoError(t, err)
	})
}
