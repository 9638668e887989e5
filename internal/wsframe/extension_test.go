package wsframe

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestAcceptDeflate(t *testing.T) {
	all := Deflate{Agreed: true}
	tests := []struct {
		fields   string // separated by newlines
		want     DeflateConfig
		agreed   Deflate
		response string
	}{
		{"permessage-deflate", DeflateConfig{}, all, "permessage-deflate"},
		{" permessage-deflate ", DeflateConfig{}, all, "permessage-deflate"},
		{"permessage-deflate; client_max_window_bits", DeflateConfig{}, all, "permessage-deflate"},
		{"permessage-deflate;client_max_window_bits=10", DeflateConfig{}, Deflate{Agreed: true, ClientBits: 10}, "permessage-deflate; client_max_window_bits=10"},
		{"permessage-deflate; client_max_window_bits=\"8\"", DeflateConfig{}, Deflate{Agreed: true, ClientBits: 8}, "permessage-deflate; client_max_window_bits=8"},
		{"permessage-deflate; client_max_window_bits=\"\\9\"", DeflateConfig{}, Deflate{Agreed: true, ClientBits: 9}, "permessage-deflate; client_max_window_bits=9"},
		{"permessage-deflate; server_max_window_bits=9", DeflateConfig{}, Deflate{Agreed: true, ServerBits: 9}, "permessage-deflate; server_max_window_bits=9"},
		{"permessage-deflate; server_max_window_bits=15", DeflateConfig{}, all, "permessage-deflate; server_max_window_bits=15"},
		{"permessage-deflate; server_no_context_takeover", DeflateConfig{}, Deflate{Agreed: true, ServerNoContext: true}, "permessage-deflate; server_no_context_takeover"},
		{"permessage-deflate; client_no_context_takeover", DeflateConfig{}, Deflate{Agreed: true, ClientNoContext: true}, "permessage-deflate; client_no_context_takeover"},
		{"permessage-deflate", DeflateConfig{ServerNoContext: true, ClientNoContext: true}, Deflate{Agreed: true, ServerNoContext: true, ClientNoContext: true}, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"permessage-deflate", DeflateConfig{ServerBits: 12, ClientBits: 12}, Deflate{Agreed: true, ServerBits: 12}, "permessage-deflate; server_max_window_bits=12"},
		{"permessage-deflate; client_max_window_bits", DeflateConfig{ClientBits: 12}, Deflate{Agreed: true, ClientBits: 12}, "permessage-deflate; client_max_window_bits=12"},
		{"permessage-deflate; client_max_window_bits=11; server_max_window_bits=10", DeflateConfig{ServerBits: 11, ClientBits: 10}, Deflate{Agreed: true, ServerBits: 10, ClientBits: 10}, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10"},
		{"other, permessage-deflate", DeflateConfig{}, all, "permessage-deflate"},
		{"other; a=b; c=\"d\",, permessage-deflate,", DeflateConfig{}, all, "permessage-deflate"},
		{"other\n\npermessage-deflate", DeflateConfig{}, all, "permessage-deflate"},
		{"permessage-deflate; server_max_window_bits=7, permessage-deflate; client_no_context_takeover", DeflateConfig{}, Deflate{Agreed: true, ClientNoContext: true}, "permessage-deflate; client_no_context_takeover"},

		{"", DeflateConfig{}, Deflate{}, ""},
		{"other", DeflateConfig{}, Deflate{}, ""},
		{"x-webkit-deflate-frame", DeflateConfig{}, Deflate{}, ""},
	}
	for _, tt := range tests {
		agreed, response := AcceptDeflate(strings.Split(tt.fields, "\n"), tt.want)
		assert.Equal(t, agreed, tt.agreed, tt.fields)
		assert.Equal(t, response, tt.response, tt.fields)
	}
}

// declined are offers, and responses, with something wrong.
var declined = []string{
	"permessage-deflate; unknown", "permessage-deflate; unknown=1",
	"permessage-deflate; client_no_context_takeover; client_no_context_takeover",
	"permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
	"permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
	"permessage-deflate; server_max_window_bits",
	"permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=08",
	"permessage-deflate; server_max_window_bits=+9", "permessage-deflate; server_max_window_bits=x", "permessage-deflate; server_max_window_bits=999999999999999999999",
	"permessage-deflate; client_max_window_bits=0", "permessage-deflate; client_max_window_bits=16", "permessage-deflate; client_max_window_bits=010",
	"permessage-deflate; Server_No_Context_Takeover",

	"permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; client_max_window_bits=", "permessage-deflate; client_max_window_bits=\"\"",
	"permessage-deflate; client_max_window_bits=\"10", "permessage-deflate; client_max_window_bits=\"1 0\"", "permessage-deflate; client_max_window_bits=\"10\\",
	"permessage-deflate client_max_window_bits", "permessage-deflate x, permessage-deflate", "; permessage-deflate", "perm\x00, permessage-deflate", "ä, permessage-deflate",
	"permessage-deflate=1", strings.Repeat("a,", 40) + "permessage-deflate", "permessage-deflate" + strings.Repeat("; a", 40),
}

func TestDeclinedDeflate(t *testing.T) {
	for _, field := range declined {
		agreed, response := AcceptDeflate([]string{field}, DeflateConfig{})
		assert.Equal(t, agreed, Deflate{}, field)
		assert.Equal(t, response, "", field)
		agreed, err := ConfirmDeflate([]string{field}, DeflateConfig{}, true)
		assert.Equal(t, err != nil, true, field)
		assert.Equal(t, agreed, Deflate{}, field)
	}
}

func TestConfirmDeflate(t *testing.T) {
	tests := []struct {
		response string
		want     DeflateConfig
		agreed   Deflate
		fails    bool
	}{
		{"", DeflateConfig{}, Deflate{}, false},
		{"permessage-deflate", DeflateConfig{}, Deflate{Agreed: true}, false},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=9", DeflateConfig{},
			Deflate{Agreed: true, ServerNoContext: true, ClientNoContext: true, ServerBits: 12, ClientBits: 9}, false},
		{"permessage-deflate", DeflateConfig{ClientNoContext: true, ClientBits: 10}, Deflate{Agreed: true, ClientNoContext: true, ClientBits: 10}, false},
		{"permessage-deflate; server_max_window_bits=10", DeflateConfig{ServerBits: 11}, Deflate{Agreed: true, ServerBits: 10}, false},

		{"permessage-deflate", DeflateConfig{ServerNoContext: true}, Deflate{}, true},
		{"permessage-deflate", DeflateConfig{ServerBits: 11}, Deflate{}, true},
		{"permessage-deflate; server_max_window_bits=12", DeflateConfig{ServerBits: 11}, Deflate{}, true},
		{"permessage-deflate; client_max_window_bits", DeflateConfig{}, Deflate{}, true},
		{"permessage-deflate; client_max_window_bits=12", DeflateConfig{ClientBits: 11}, Deflate{}, true},
		{"permessage-deflate, permessage-deflate", DeflateConfig{}, Deflate{}, true},
		{"other", DeflateConfig{}, Deflate{}, true},
	}
	for _, tt := range tests {
		agreed, err := ConfirmDeflate([]string{tt.response}, tt.want, true)
		assert.Equal(t, agreed, tt.agreed, tt.response)
		assert.Equal(t, err != nil, tt.fails, tt.response, err)
	}
	_, err := ConfirmDeflate([]string{"permessage-deflate"}, DeflateConfig{}, false)
	assert.ErrorIs(t, err, errUnoffered)
	_, err = ConfirmDeflate(nil, DeflateConfig{}, false)
	assert.NoError(t, err)
}

// TestDeflateHandshake lets both ends want everything, and agree on it.
func TestDeflateHandshake(t *testing.T) {
	assert.Equal(t, OfferDeflate(DeflateConfig{}), "permessage-deflate; client_max_window_bits")
	bits := []uint8{0, 8, 11, 15}
	for i := range 1 << 12 {
		client := DeflateConfig{i&1 != 0, i&2 != 0, bits[i>>2&3], bits[i>>4&3]}
		server := DeflateConfig{i>>6&1 != 0, i>>6&2 != 0, bits[i>>8&3], bits[i>>10&3]}
		here, response := AcceptDeflate([]string{OfferDeflate(client)}, server)
		there, err := ConfirmDeflate([]string{response}, client, true)
		assert.NoError(t, err, client, server)
		assert.Equal(t, here, there, client, server, response)
		assert.Equal(t, here.Agreed, true)
	}
}
