package fastjson

import (
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/jsonscan"
	"github.com/tako-go/tako/internal/schema"
)

// nestedUnion may hold itself.
type nestedUnion struct {
	Value struct {
		_    struct{} `discriminator:"kind"`
		Node *node    `variant:"node"`
	}
	kind schema.Kind
}

func (*nestedUnion) UnmarshalJSON([]byte) error { return nil }

type node struct {
	Sub  *nestedUnion  `json:"sub"`
	List []nestedUnion `json:"list"`
}

// The time is that of the length, however many unions there are, and however deep.
func TestManyUnions(t *testing.T) {
	const bound = time.Minute
	options := Options{DisallowUnknown: true, Limits: jsonscan.Limits{MaxDepth: 1 << 20}}
	many := `{"list":[` + strings.Repeat(`{"list":[{"kind":"node"},{}],"kind":"node"},`, 60_000) + `{"x":1,"kind":"node"}]}`
	deep := strings.Repeat(`{"sub":`, 20_000) + `{"x":1,"kind":"node"}` + strings.Repeat(`,"kind":"node"}`, 20_000)
	start := time.Now()
	for _, text := range []string{many, deep} {
		if err, ok := CheckNames([]byte(text), new(node), options).(*jsonscan.Error); !ok || err.Fault != jsonscan.Unknown {
			t.Errorf("%.30s: got %v, want an unknown name", text, err)
		}
	}
	// Each element is a part that encoding/json takes.
	type holder struct {
		List []nestedUnion `json:"list"`
	}
	var h holder
	_, err := Unmarshal([]byte(many), &h, options)
	if e, ok := err.(*jsonscan.Error); !ok || e.Fault != jsonscan.Unknown {
		t.Errorf("got %v, want an unknown name", err)
	}
	if took := time.Since(start); took > bound {
		t.Errorf("took %v", took)
	}
}
