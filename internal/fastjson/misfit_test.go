package fastjson

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/jsonscan"
	"github.com/tako-go/tako/internal/schema"
)

// picky has fields whose types refuse values of the right kind, behind fields that
// others decode by methods of their own.
type picky struct {
	S     string                 `json:"s"`
	At    time.Time              `json:"at"`
	Ats   []*time.Time           `json:"ats"`
	By    map[time.Time]int      `json:"by"`
	Addr  netip.Addr             `json:"addr"`
	Addrs map[netip.Addr]string  `json:"addrs"`
	Own   lowerCase              `json:"own"`
	Raw   []byte                 `json:"raw"`
	Num   json.Number            `json:"num"`
	QI    *int8                  `json:"qi,string"`
	QU    uint                   `json:"qu,string"`
	QB    bool                   `json:"qb,string"`
	QF    float32                `json:"qf,string"`
	QS    string                 `json:"qs,string"`
	MI    map[int8]map[uint]bool `json:"mi"`
	Fixed [2]time.Time           `json:"fixed"`
	Maybe optionalTime           `json:"maybe"`
	Many  []optionalTime         `json:"many"`
	Pick  unionOf                `json:"pick"`
	Any   any                    `json:"any"`
	Err   error                  `json:"err"`
	Kids  []*picky               `json:"kids"`
	None  map[bool]int           `json:"none"`
	Deep
}

type lowerCase string

func (l *lowerCase) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if *l = lowerCase(s); strings.ToLower(s) != s {
		return errUpper
	}
	return nil
}

var errUpper = &time.ParseError{Message: "upper case"}

// optionalTime looks like the optional values of the root.
type optionalTime struct {
	value *time.Time
	state schema.State
}

func (o *optionalTime) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.value) }

func TestFindMisfit(t *testing.T) {
	const noTime = "is not " + schema.TimeNoun
	for _, tt := range []struct {
		text, pointer, detail string
		part                  Part
	}{
		{`{"s":7}`, "/s", "unexpected number", Kind}, {`{"s":{}}`, "/s", "unexpected object", Kind}, {`[]`, "", "unexpected array", Kind}, {`true`, "", "unexpected bool", Kind},
		{`{"at":"nope"}`, "/at", noTime, Value}, {`{"at":5}`, "/at", "unexpected number", Kind}, {`{"at":"2026-01-02T03:04:05+24:00"}`, "/at", noTime, Value},
		{`{"ats":["2026-01-02T03:04:05Z",null,"2026-01-02T03:04:60Z"]}`, "/ats/2", noTime, Value}, {`{"fixed":["2026-01-02T03:04:05Z","x","y"]}`, "/fixed/1", noTime, Value},
		{`{"by":{"2026-01-02T03:04:05Z":1,"x":2}}`, "/by/x", "the name " + noTime, Name}, {`{"by":{"2026-01-02T03:04:05-24:00":1}}`, "/by/2026-01-02T03:04:05-24:00", "the name " + noTime, Name},
		{`{"addr":"x"}`, "/addr", "is malformed", Value}, {`{"addr":[]}`, "/addr", "unexpected array", Kind}, {`{"addrs":{"1.2.3.4":"","x/y":""}}`, "/addrs/x~1y", "the name is malformed", Name}, {`{"own":"X"}`, "/own", "is malformed", Value},
		{`{"raw":"***"}`, "/raw", "is not base64", Value}, {`{"raw":[1,256]}`, "/raw/1", "unexpected number", Kind}, {`{"raw":{}}`, "/raw", "unexpected object", Kind},
		{`{"num":""}`, "/num", "is not a number", Value}, {`{"num":true}`, "/num", "unexpected bool", Kind}, {`{"qi":"x"}`, "/qi", "is not an integer", Value}, {`{"qi":"200"}`, "/qi", "is out of range", Value},
		{`{"qi":5}`, "/qi", "unexpected number", Kind}, {`{"qu":"-1"}`, "/qu", "is not a non-negative integer", Value}, {`{"qb":"yes"}`, "/qb", "is not true or false", Value}, {`{"qf":"x"}`, "/qf", "is not a number", Value}, {`{"qs":"x"}`, "/qs", "is malformed", Value},
		{`{"mi":{"x":{}}}`, "/mi/x", "the name is not an integer", Name}, {`{"mi":{"300":{}}}`, "/mi/300", "the name is out of range", Name}, {`{"mi":{"1":{"-1":true}}}`, "/mi/1/-1", "the name is not a non-negative integer", Name}, {`{"mi":{"1":{"1":1}}}`, "/mi/1/1", "unexpected number", Kind},
		{`{"maybe":null,"many":["2026-01-02T03:04:05Z","2026-01-02T03:04:05,5Z"]}`, "/many/1", noTime, Value}, {`{"maybe":"x","s":1}`, "/maybe", noTime, Value},
		{`{"any":[{"a":1},{"b":[1e999]}]}`, "/any/1/b/0", "unexpected number", Kind}, {`{"err":"x"}`, "/err", "unexpected string", Kind}, {`{"kids":[null,{"kids":[{"Low":1.5}]}]}`, "/kids/1/kids/0/Low", "unexpected number", Kind},
		{`{"none":{}}`, "/none", "unexpected object", Kind}, {`{"LOW":"x"}`, "/LOW", "unexpected string", Kind}, {`{"x":1e999,"twice":[ ]}`, "/twice", "unexpected array", Kind},
	} {
		m := FindMisfit([]byte(tt.text), new(picky))
		if m == nil || *m != (Misfit{tt.pointer, tt.detail, tt.part}) {
			t.Errorf("%s: got %+v, want %s %s", tt.text, m, tt.pointer, tt.detail)
		}
		located(t, reflect.TypeFor[picky](), []byte(tt.text))
	}
	for _, text := range []string{`{}`, `null`, `{"none":null,"err":null,"s":null,"at":null,"qi":null,"kids":null,"pick":null}`, `{"qi":"5","qf":"1.5","qs":"\"x\"","num":"5","raw":[1,2],"fixed":["2026-01-02T03:04:05Z","2026-01-02T03:04:05Z",5]}`} {
		assert.Equal(t, FindMisfit([]byte(text), new(picky)), nil, text)
		located(t, reflect.TypeFor[picky](), []byte(text))
	}
}

// What is decoded by encoding/json holds no time that cannot be written again.
func TestFindOddTime(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[picky](), reflect.TypeFor[[]*picky](), reflect.TypeFor[optionalTime](), reflect.TypeFor[map[int]time.Time]()} {
		assert.Equal(t, fits.of(typ).timed, true, typ)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[tree](), reflect.TypeFor[any](), reflect.TypeFor[role](), reflect.TypeFor[map[int]string]()} {
		assert.Equal(t, fits.of(typ).timed, false, typ)
	}
	type mixed struct {
		At    time.Time         `json:"at"`
		Maybe optionalTime      `json:"maybe"`
		By    map[int]time.Time `json:"by"`
	}
	for _, zone := range []string{"Z", "+24:00", "-24:00", "+23:60", "+24:59", ",5Z", "+23:59"} {
		for _, text := range []string{`{"at":"2026-01-02T03:04:05%"}`, `{"maybe":"2026-01-02T03:04:05%"}`, `{"by":{"1":"2026-01-02T03:04:05%"}}`} {
			text = strings.ReplaceAll(text, "%", zone)
			var v mixed
			want := zone == "Z" || zone == "+23:59"
			ok, err := Unmarshal([]byte(text), &v, safe)
			assert.NoError(t, err)
			assert.Equal(t, ok, want, text)
			assert.Equal(t, FindOddTime([]byte(text), &v) == nil, want, text)
			located(t, reflect.TypeFor[mixed](), []byte(text))
		}
	}
}

// A text with many values, or with deep ones, is gone through once.
func TestManyFits(t *testing.T) {
	const bound = time.Minute
	start := time.Now()
	var v []nestedUnion
	deep := strings.Repeat(`{"kind":"node","sub":`, 5000) + `7` + strings.Repeat(`}`, 5000)
	m := FindMisfit([]byte(`[`+strings.Repeat(`{"kind":"node","list":[null]},`, 100_000)+deep+`]`), &v)
	if m == nil || m.Detail != "unexpected number" {
		t.Errorf("got %+v, want a number that was unexpected", m)
	}
	if took := time.Since(start); took > bound {
		t.Errorf("took %v", took)
	}
}

// fitted are types for located.
var fitted = slices.Concat(handled, []reflect.Type{reflect.TypeFor[picky](), reflect.TypeFor[[]picky](), reflect.TypeFor[map[int]picky](), reflect.TypeFor[optionalTime](), reflect.TypeFor[json.Number]()})

// located checks that a misfit is found where encoding/json fails, and no other.
func located(t *testing.T, typ reflect.Type, data []byte) {
	t.Helper()
	if jsonscan.Check(data, lax.Limits) != nil {
		return
	}
	v := reflect.New(typ)
	err := json.Unmarshal(data, v.Interface())
	if err != nil && strings.Contains(err.Error(), "embedded pointer") {
		return
	}
	m, odd := FindMisfit(data, v.Interface()), FindOddTime(data, v.Interface())
	switch {
	case err != nil && m == nil:
		t.Fatalf("%v: %q: found nothing, encoding/json says %v", typ, data, err)
	case err == nil && (m == nil) != (odd == nil):
		t.Fatalf("%v: %q: found %+v and %+v, encoding/json says nothing", typ, data, m, odd)
	case err == nil && m == nil:
		if _, err := json.Marshal(v.Interface()); err != nil && strings.Contains(err.Error(), "time.Time") {
			t.Fatalf("%v: %q: cannot be written again: %v", typ, data, err)
		}
	}
}
