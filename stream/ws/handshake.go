package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/wsframe"
)

// version is the only one there is (RFC 6455, section 4.1).
const version = "13"

// agreement is what both ends have agreed on.
type agreement struct {
	subprotocol string
	deflate     wsframe.Deflate
}

// handshake checks the request of a client and sets the fields of the answer (RFC 6455,
// section 4.2; RFC 8441, section 5). Its errors are ordinary responses: nothing was switched.
func (s *side) handshake(c *tako.Context) (agreement, error) {
	if s.mistake != nil {
		return agreement{}, tako.Wrap(http.StatusInternalServerError, s.mistake)
	}
	tunnelled, err := checkSwitch(c)
	if err != nil {
		return agreement{}, err
	}
	if v := c.RequestHeaderValues("Sec-WebSocket-Version"); len(v) != 1 || ascii.Trim(v[0]) != version {
		offer(c)
		return agreement{}, tako.Errorf(http.StatusUpgradeRequired, "only version 13 of WebSocket is spoken").
			With("Sec-WebSocket-Version", version)
	}
	key := ""
	if !tunnelled {
		if key, err = checkKey(c); err != nil {
			return agreement{}, err
		}
	}
	if err := checkOrigin(c, s.origins, s.cfg.RequireOrigin); err != nil {
		return agreement{}, err
	}
	agreed := agreement{subprotocol: s.chooseSubprotocol(c)}
	if agreed.subprotocol == "" && s.cfg.RequireSubprotocol {
		return agreement{}, tako.BadRequest("none of the subprotocols offered is spoken here")
	}
	extensions := ""
	if s.cfg.Compression.Enabled {
		agreed.deflate, extensions = wsframe.AcceptDeflate(c.RequestHeaderValues("Sec-WebSocket-Extensions"), s.cfg.Compression.wanted())
	}
	h := c.Header()
	if !tunnelled {
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Accept", acceptKey(key))
	}
	setUnlessEmpty(h, "Sec-WebSocket-Protocol", agreed.subprotocol)
	setUnlessEmpty(h, "Sec-WebSocket-Extensions", extensions)
	return agreed, nil
}

func setUnlessEmpty(h *tako.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// checkSwitch looks for the wish to speak WebSocket. tunnelled says that it came by extended CONNECT,
// which has neither Upgrade nor key.
func checkSwitch(c *tako.Context) (tunnelled bool, err error) {
	if c.Method() != http.MethodGet {
		return false, tako.Errorf(http.StatusMethodNotAllowed, "sockets are opened with GET").With("Allow", "GET")
	}
	protocol := c.UpgradeProtocol()
	if c.Protocol() >= tako.HTTP2 {
		switch {
		case protocol == "":
			return false, tako.Errorf(http.StatusUpgradeRequired, "this resource is for WebSocket clients")
		case !ascii.EqualFold(protocol, "websocket"):
			return false, &tako.Error{Status: http.StatusNotImplemented, Detail: "only websocket is spoken here"}
		}
		return true, nil
	}
	asked := protocol != ""
	if asked {
		asked = slices.ContainsFunc(c.RequestHeaderValues("Upgrade"), func(value string) bool {
			for item := range ascii.ListItems(value) {
				if ascii.EqualFold(item, "websocket") {
					return true
				}
			}
			return false
		})
	}
	switch {
	case !asked:
		offer(c)
		return false, tako.Errorf(http.StatusUpgradeRequired, "this resource is for WebSocket clients")
	case c.ContentLength() != 0:
		return false, tako.BadRequest("a request with a body cannot open a socket")
	}
	return false, nil
}

// offer tells what to upgrade to beside a 426 (RFC 9110, section 15.5.22): an Error brings no
// fields of the connection along.
func offer(c *tako.Context) {
	if c.Protocol() == tako.HTTP11 {
		c.Header().Set("Upgrade", "websocket")
		c.Header().Set("Connection", "Upgrade")
	}
}

// keyBytes is how long a Sec-WebSocket-Key is when it is decoded.
const keyBytes = 16

func checkKey(c *tako.Context) (string, error) {
	keys := c.RequestHeaderValues("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return "", tako.BadRequest("Sec-WebSocket-Key has to be there once")
	}
	key := ascii.Trim(keys[0])
	if len(key) != base64.StdEncoding.EncodedLen(keyBytes) {
		return "", tako.BadRequest("Sec-WebSocket-Key is not of 16 bytes")
	}
	if decoded, err := base64.StdEncoding.DecodeString(key); err != nil || len(decoded) != keyBytes {
		return "", tako.BadRequest("Sec-WebSocket-Key is not of 16 bytes")
	}
	return key, nil
}

// acceptKey answers a key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// chooseSubprotocol goes by the order of the server.
func (s *side) chooseSubprotocol(c *tako.Context) string {
	if len(s.cfg.Subprotocols) == 0 {
		return ""
	}
	var offered []string
	for _, value := range c.RequestHeaderValues("Sec-WebSocket-Protocol") {
		for item := range ascii.ListItems(value) {
			offered = append(offered, item)
		}
	}
	for _, name := range s.cfg.Subprotocols {
		if slices.Contains(offered, name) {
			return name
		}
	}
	return ""
}

// notSwitched gives a failed upgrade a status: where a stream cannot be had at all it is 501.
func notSwitched(err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return &tako.Error{Status: http.StatusNotImplemented, Detail: "sockets cannot be opened here", Err: err}
	}
	return err
}
