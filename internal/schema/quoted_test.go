package schema_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

// scalars are those that json:",string" is for.
type scalars struct {
	S   string      `json:"s,string"`
	PS  *string     `json:"ps,string"`
	I8  int8        `json:"i8,string"`
	U8  uint8       `json:"u8,string"`
	I16 int16       `json:"i16,string"`
	U16 *uint16     `json:"u16,string"`
	I   int32       `json:"i,string" default:"5"`
	F   float64     `json:"f,string"`
	N   json.Number `json:"n,string"`
	B   bool        `json:"b,string"`

	Small  map[int8]bool   `json:"small"`
	Octets map[uint8]bool  `json:"octets"`
	Shorts map[int16]bool  `json:"shorts"`
	Ports  map[uint16]bool `json:"ports"`
}

// TestQuotedAgrees compares what is read with what the document says, for many texts.
func TestQuotedAgrees(t *testing.T) {
	p := newPairing(t, new(schema.Compiler), reflect.TypeFor[scalars](), 0)
	texts := []string{"", "0", "-0", "+0", "5", "+5", "-5", "007", "-007", "1.", ".5", "1.5", "1e3", "1E+3", "0x10", "1_0", "inf", "-inf", "NaN",
		" 5", "5 ", "null", "true", "True", `"x"`, `"null"`, `"5"`, `"\""`, `"\'"`, `"\u0041"`, `"\u00"`, `"a"b"`, `"`, `""`, "\"\t\"", "\"é😀\"", ` "x"`, `"x" `}
	for _, limit := range []int{1<<7 - 1, 1<<8 - 1, 1<<15 - 1, 1<<16 - 1} {
		for n := limit - 12; n < limit+12; n++ {
			texts = append(texts, strconv.Itoa(n), strconv.Itoa(-n), "00"+strconv.Itoa(n), "-0"+strconv.Itoa(n))
		}
		texts = append(texts, strconv.Itoa(limit*10), strconv.Itoa(limit/10), strconv.Itoa(limit/2))
	}
	accepted := 0
	for _, text := range texts {
		value, err := json.Marshal(text)
		assert.NoError(t, err)
		for _, name := range []string{"s", "ps", "i8", "u8", "i16", "u16", "i", "f", "n", "b"} {
			doc := []byte(`{"` + name + `":` + string(value) + `}`)
			compareQuoted(t, p, doc, &accepted)
		}
		for _, name := range []string{"small", "octets", "shorts", "ports"} {
			compareQuoted(t, p, []byte(`{"`+name+`":{`+string(value)+`:true}}`), &accepted)
		}
	}
	if accepted < 100 {
		t.Errorf("only %d documents are accepted", accepted)
	}
}

func compareQuoted(t *testing.T, p *pairing, doc []byte, accepted *int) {
	t.Helper()
	var tree any
	assert.NoError(t, json.Unmarshal(doc, &tree))
	why, refused := p.refused(doc)
	if err := p.theirs.Validate(tree); (err != nil) != refused {
		t.Errorf("we refuse: %t (%s); JSON Schema: %v\n%s", refused, why, err, doc)
	}
	if !refused {
		*accepted++
	}
}

func TestQuotedDocument(t *testing.T) {
	s, _ := new(schema.Compiler).For(reflect.TypeFor[scalars](), "")
	doc := s.Definition(nil)
	properties := doc.Get("properties").(*schema.Object)
	for name, want := range map[string]string{
		"s":     `{"type":"string","pattern":"^\"([^\"\\\\\\x00-\\x1f]|\\\\([\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*\"$"}`,
		"u8":    `{"type":"string","pattern":"^0*([0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$"}`,
		"i":     `{"type":"string","pattern":"^-?[0-9]+$","default":"5"}`,
		"n":     `{"type":"string","pattern":"^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$"}`,
		"small": `{"type":["object","null"],"propertyNames":{"type":"string","pattern":"^([-+]?0*([0-9]{1,2}|1[0-1][0-9]|12[0-7])|-0*128)$"},"additionalProperties":{"type":"boolean"}}`,
	} {
		text, err := properties.Get(name).(*schema.Object).MarshalJSON()
		assert.NoError(t, err)
		assert.Equal(t, string(text), want, name)
	}
	pattern := properties.Get("i16").(*schema.Object).Get("pattern").(string)
	if re := regexp.MustCompile(pattern); strings.Contains(pattern, "+") || re.MatchString("32768") || !re.MatchString("-32768") {
		t.Errorf("the pattern is %s", pattern)
	}
}
