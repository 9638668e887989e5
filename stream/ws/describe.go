package ws

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
)

// Opens documents that a route opens sockets with cfg: what the handshake is answered, and the
// subprotocols. Mistakes in cfg are reported when the router is built. It includes [tako.Needs]
// with [tako.NeedsUpgrade].
func Opens(cfg Config) tako.Option {
	return func(op *tako.Operation) {
		if mistake := newSide(cfg, false).mistake; mistake != nil {
			op.AddProblem(mistake.Error())
			return
		}
		tako.Needs(tako.NeedsUpgrade)(op)
		var chosen []tako.Param
		if len(cfg.Subprotocols) > 0 {
			op.AddParam(tako.Param{In: "header", Name: "Sec-WebSocket-Protocol", Type: reflect.TypeFor[[]string](),
				Doc: "The subprotocols that the client speaks, best first.", Required: cfg.RequireSubprotocol})
			chosen = []tako.Param{{In: "header", Name: "Sec-WebSocket-Protocol", Type: reflect.TypeFor[string](),
				Doc: "The subprotocol that is spoken.", Required: cfg.RequireSubprotocol,
				Tag: reflect.StructTag("enum:" + strconv.Quote(strings.Join(cfg.Subprotocols, ",")))}}
		}
		op.AddResponse(tako.Response{Status: http.StatusSwitchingProtocols, Doc: "The socket is open (HTTP/1.1).", Header: chosen})
		op.AddResponse(tako.Response{Status: http.StatusOK, Doc: "The socket is open (HTTP/2 and HTTP/3).", Header: chosen})
		op.AddFailure(http.StatusBadRequest, "the handshake is malformed")
		if cfg.RequireSubprotocol {
			op.AddFailure(http.StatusBadRequest, "none of the subprotocols offered is spoken here")
		}
		op.AddFailure(http.StatusForbidden, "the origin may not open sockets")
		op.AddFailure(http.StatusUpgradeRequired, "the request does not ask for WebSocket, or not for version 13")
		op.AddFailure(http.StatusNotImplemented, "no socket can be opened over this connection")
	}
}
