package schema_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

func structOf(fields ...reflect.StructField) reflect.Type { return reflect.StructOf(fields) }

func member(name string, t reflect.Type, tag string) reflect.StructField {
	return reflect.StructField{Name: strings.ToUpper(name[:1]) + name[1:], Type: t,
		Tag: reflect.StructTag(`json:"` + name + `" ` + tag)}
}

// agreeTypes are what the agreement with JSON Schema is tried on.
func agreeTypes() []reflect.Type {
	str, num, flt := reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64]()
	return []reflect.Type{
		reflect.TypeFor[flat](), reflect.TypeFor[numbers](), reflect.TypeFor[wanted](), reflect.TypeFor[nested](),
		reflect.TypeFor[node](), reflect.TypeFor[closed](), reflect.TypeFor[oneOf[animal]](), reflect.TypeFor[card](),
		reflect.TypeFor[texts](), reflect.TypeFor[embedding](), reflect.TypeFor[special](), reflect.TypeFor[quoted](),
		reflect.TypeFor[nullables](), reflect.TypeFor[opts](), reflect.TypeFor[uniques](), reflect.TypeFor[lists](), reflect.TypeFor[*links](), reflect.TypeFor[struct {
			L links `minItems:"1"`
		}](),
		reflect.TypeFor[box[string]](), reflect.TypeFor[box[flat]](), reflect.TypeFor[recursiveUnion](), reflect.TypeFor[scalars](),
		reflect.TypeFor[[]flat](), reflect.TypeFor[map[string]flat](), reflect.TypeFor[*flat](), str, num, flt,
		reflect.TypeFor[bool](), reflect.TypeFor[[]string](), reflect.TypeFor[[3]int](), reflect.TypeFor[map[string][]int](),
		reflect.TypeFor[any](), reflect.TypeFor[color](), reflect.TypeFor[stars](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[*int](), reflect.TypeFor[map[int64]bool](), reflect.TypeFor[[][]uint8](),
		structOf(member("a", str, `minLength:"1"`), member("b", num, `required:"true"`)),
		structOf(member("a", reflect.PointerTo(str), `minLength:"2" required:"true"`)),
		structOf(member("a", reflect.SliceOf(num), `items.multipleOf:"5" uniqueItems:"true"`)),
		structOf(member("a", reflect.MapOf(str, flt), `values.maximum:"1.5" keys.minLength:"2"`)),
		structOf(member("a", structOf(member("b", str, `required:"true" enum:"x,y"`)), "")),
		structOf(member("a", reflect.SliceOf(structOf(member("b", str, `required:"true"`))), `minItems:"1"`)),
		structOf(member("a", reflect.PointerTo(reflect.PointerTo(num)), `minimum:"1"`)),
		structOf(member("a", reflect.TypeFor[opt[opt[int]]](), `minimum:"1"`)),
		structOf(),
	}
}

// pairing is a type with both verdicts on it.
type pairing struct {
	typ    reflect.Type
	ours   *schema.Schema
	theirs *jsonschema.Schema
	text   []byte         // the document
	tree   any            // the document, decoded
	names  map[string]int // of members that the types have
}

func pairings(tb testing.TB) []*pairing {
	c := new(schema.Compiler)
	var out []*pairing
	for i, t := range agreeTypes() {
		out = append(out, newPairing(tb, c, t, i))
	}
	return out
}

func newPairing(tb testing.TB, c *schema.Compiler, t reflect.Type, i int) *pairing {
	p := &pairing{typ: t, names: map[string]int{}}
	var mistakes []string
	p.ours, mistakes = c.For(t, "")
	assert.Equal(tb, mistakes, nil, t)
	text, err := json.Marshal(p.ours.Standalone())
	assert.NoError(tb, err)
	p.text = text
	p.tree, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	assert.NoError(tb, err)
	p.collect(p.tree)
	oracle := jsonschema.NewCompiler()
	oracle.AssertFormat()
	oracle.AssertContent()
	for _, f := range oracleFormats() {
		oracle.RegisterFormat(f)
	}
	url := fmt.Sprintf("mem:///%d.json", i)
	assert.NoError(tb, oracle.AddResource(url, p.tree))
	p.theirs, err = oracle.Compile(url)
	assert.NoError(tb, err, t, string(text))
	return p
}

func (p *pairing) collect(tree any) {
	switch tree := tree.(type) {
	case map[string]any:
		if properties, ok := tree["properties"].(map[string]any); ok {
			for name := range properties {
				p.names[strings.ToLower(name)]++
			}
		}
		for _, v := range tree {
			p.collect(v)
		}
	case []any:
		for _, v := range tree {
			p.collect(v)
		}
	}
}

// oracleFormats are formats of OpenAPI, and those where ours is stricter than the
// oracle: it follows the documents closer.
func oracleFormats() []*jsonschema.Format {
	text := func(name string, is func(string) bool) *jsonschema.Format {
		return &jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !is(s) {
				return fmt.Errorf("no %s", name)
			}
			return nil
		}}
	}
	number := func(name string, is func(json.Number) error) *jsonschema.Format {
		return &jsonschema.Format{Name: name, Validate: func(v any) error {
			if n, ok := v.(json.Number); ok {
				return is(n)
			}
			return nil
		}}
	}
	integer := func(name string, bits int) *jsonschema.Format {
		return number(name, func(n json.Number) error { _, err := strconv.ParseInt(string(n), 10, bits); return err })
	}
	email := regexp.MustCompile(`^("[ !#-\[\]-~]*"|[-!#$%&'*+/=?^_{|}~\x60a-zA-Z0-9]+(\.[-!#$%&'*+/=?^_{|}~\x60a-zA-Z0-9]+)*)@` +
		`(\[.*\]|([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*)$`)
	uri := regexp.MustCompile(`^([!#$&-;=?-Z_a-z~\[\]]|%[0-9A-Fa-f]{2})*$`)
	return []*jsonschema.Format{
		integer("int32", 32), integer("int64", 64),
		number("uint64", func(n json.Number) error { _, err := strconv.ParseUint(string(n), 10, 64); return err }),
		number("float", func(n json.Number) error { _, err := strconv.ParseFloat(string(n), 32); return err }),
		number("double", func(n json.Number) error { _, err := strconv.ParseFloat(string(n), 64); return err }),
		text("date-time", func(s string) bool {
			s = strings.ToUpper(s)
			leap := len(s) >= 20 && s[16:19] == ":60"
			if leap {
				s = s[:16] + ":59" + s[19:]
			}
			at, err := time.Parse(time.RFC3339, s)
			return err == nil && (!leap || at.UTC().Format("15:04:05") == "23:59:59") &&
				regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]([01]\d|2[0-3]):[0-5]\d)$`).MatchString(s)
		}),
		text("date", func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }),
		text("hostname", func(s string) bool {
			return len(s) <= 253 && regexp.MustCompile(`^([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*$`).MatchString(s)
		}),
		text("email", func(s string) bool {
			at := strings.LastIndexByte(s, '@')
			return at > 0 && at <= 64 && len(s) <= 254 && email.MatchString(s) &&
				(!strings.Contains(s, "@[") || literal(s[at+2:len(s)-1]))
		}),
		text("uri", func(s string) bool {
			return uri.MatchString(s) && strings.Count(s, "#") < 2 && parses(s) && regexp.MustCompile(`^[a-zA-Z][-+.a-zA-Z0-9]*:`).MatchString(s)
		}),
		text("uri-reference", func(s string) bool { return uri.MatchString(s) && strings.Count(s, "#") < 2 && parses(s) }),
		text("byte", func(s string) bool {
			return regexp.MustCompile(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`).MatchString(s)
		}),
	}
}

// parses tells a URI that Go reads, with an IPv6 host in brackets only.
func parses(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	return !strings.Contains(host, ":") || strings.HasPrefix(u.Host, "[") && err == nil && addr.Zone() == ""
}

// literal tells an address in the brackets of an email address.
func literal(s string) bool {
	six, is := strings.CutPrefix(s, "IPv6:")
	addr, err := netip.ParseAddr(six)
	return err == nil && addr.Is6() == is && addr.Zone() == ""
}

// refused is our verdict: that of the decoder, then ours.
func (p *pairing) refused(doc []byte) (string, bool) {
	v := reflect.New(p.typ)
	if err := json.Unmarshal(doc, v.Interface()); err != nil {
		return err.Error(), true
	}
	var r schema.Report
	p.ours.Check(context.Background(), v.UnsafePointer(), doc, &r)
	return fmt.Sprint(r.Failures), len(r.Failures) > 0
}

// compare reports where the verdicts differ. It returns false for documents on which
// they may.
func (p *pairing) compare(tb testing.TB, doc []byte) bool {
	tb.Helper()
	if !utf8.Valid(doc) || !json.Valid(doc) || !p.plain(doc) {
		return false
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return false
	}
	why, refused := p.refused(doc)
	if strings.Contains(why, "ParseAddr") || oddTime.MatchString(why) { // what a type reads from text is its own affair
		return false
	}
	if err := p.theirs.Validate(tree); (err != nil) != refused {
		tb.Errorf("%s: we refuse: %t (%s); JSON Schema: %v\n%s\n%s", p.typ, refused, why, err, doc, p.text)
	}
	return true
}

// plain reports that a document has nothing in it that encoding/json reads in its own
// way: names that are there twice or differ in case, whole numbers with a fraction or an
// exponent, numbers beyond the precision of a float, line ends in base64,
// and what [time.Time] reads beyond RFC 3339.
func (p *pairing) plain(doc []byte) bool {
	if bytes.Contains(doc, []byte(`\n`)) || bytes.Contains(doc, []byte(`\r`)) || bytes.Contains(doc, []byte(`\u000`)) ||
		laxTime.Match(doc) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	return p.plainValue(d, 0)
}

// oddTime is the error of [time.Time] for what RFC 3339 has beyond it: leap seconds, and
// T and Z in lower case.
var oddTime = regexp.MustCompile(`^parsing time .*(\d[tz]|:60)`)

var laxTime = regexp.MustCompile(`T\d:|[-+]24:|:\d\d,\d`)

func (p *pairing) plainValue(d *json.Decoder, depth int) bool {
	token, err := d.Token()
	if err != nil || depth > 500 {
		return false
	}
	switch token := token.(type) {
	case json.Number:
		f, err := token.Float64()
		digits := strings.TrimLeft(strings.Trim(string(token), "-"), "0.")
		return err == nil && len(digits) <= 15 && len(token) < 25 &&
			(!strings.ContainsAny(string(token), ".eE") || !strings.ContainsAny(string(token), "eE") && f != float64(int64(f)) && float64(float32(f)) != 0 && len(digits) < 7)
	case json.Delim:
		seen := map[string]bool{}
		for d.More() {
			if token == '{' {
				name, err := d.Token()
				if err != nil {
					return false
				}
				fold := strings.ToLower(name.(string))
				if seen[fold] || p.names[fold] > 0 && !p.exact(name.(string)) || strings.ContainsAny(fold, "ſk\u212a") && fold != strings.ToLower(strings.ToUpper(fold)) {
					return false
				}
				seen[fold] = true
			}
			if !p.plainValue(d, depth+1) {
				return false
			}
		}
		_, err := d.Token()
		return err == nil
	}
	return true
}

func (p *pairing) exact(name string) bool {
	return bytes.Contains(p.text, []byte(`"`+name+`":`))
}

// FuzzAgainstJSONSchema compares the verdicts on documents that the fuzzer makes, and on
// those that a seed makes from the schema.
func FuzzAgainstJSONSchema(f *testing.F) {
	all := pairings(f)
	for i := range all {
		f.Add(uint8(i), uint64(i), []byte("{}"))
		f.Add(uint8(i), uint64(i)+100, []byte("null"))
		f.Add(uint8(i), uint64(i)+200, generate(all[i], uint64(i)))
	}
	f.Fuzz(func(t *testing.T, i uint8, seed uint64, doc []byte) {
		p := all[int(i)%len(all)]
		if len(doc) < 64<<10 {
			p.compare(t, doc)
		}
		p.compare(t, generate(p, seed))
	})
}

func TestAgreesWithJSONSchema(t *testing.T) {
	const each = 1500
	for _, p := range pairings(t) {
		compared, refused := 0, 0
		for seed := range uint64(each) {
			doc := generate(p, seed)
			if p.compare(t, doc) {
				compared++
				if _, no := p.refused(doc); no {
					refused++
				}
			}
			if t.Failed() {
				return
			}
		}
		if compared < each/3 {
			t.Errorf("%s: only %d of %d documents could be compared", p.typ, compared, each)
		}
		t.Logf("%s: %d compared, %d refused", p.typ, compared, refused)
	}
}

// generate makes a document that is close to valid.
func generate(p *pairing, seed uint64) []byte {
	g := &generator{rand.New(rand.NewPCG(seed, 1)), p.tree.(map[string]any), 0}
	if seed%4 != 0 {
		g.wrong = 1 + int(seed%3)*12
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(g.value(g.root, 0))
	return bytes.TrimSpace(b.Bytes())
}

type generator struct {
	*rand.Rand
	root  map[string]any
	wrong int // one value in so many is wrong; 0 for none
}

func (g *generator) flaw() bool { return g.wrong > 0 && g.IntN(g.wrong+3) == 0 }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

func (g *generator) value(s map[string]any, depth int) any {
	if g.flaw() && g.IntN(2) == 0 {
		return g.anything(depth)
	}
	if ref, ok := s["$ref"].(string); ok {
		target := g.root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		v := g.value(target, depth)
		if o, ok := v.(map[string]any); ok && s["properties"] != nil {
			g.members(s, o, depth)
		}
		return v
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		if list, ok := s[key].([]any); ok {
			return g.value(pick(g, list...).(map[string]any), depth)
		}
	}
	if c, ok := s["const"]; ok && !g.flaw() {
		return c
	}
	if list, ok := s["enum"].([]any); ok && !g.flaw() {
		return pick(g, list...)
	}
	kind, _ := s["type"].(string)
	if list, ok := s["type"].([]any); ok {
		kind = pick(g, list...).(string)
	}
	switch kind {
	case "null":
		return nil
	case "boolean":
		return g.IntN(2) == 0
	case "integer", "number":
		return g.number(s, kind)
	case "string":
		return g.text(s)
	case "array":
		return g.array(s, depth)
	case "object":
		o := map[string]any{}
		g.members(s, o, depth)
		return o
	}
	return g.anything(depth)
}

func bound(s map[string]any, key string, otherwise float64) float64 {
	if n, ok := s[key].(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return otherwise
}

func (g *generator) number(s map[string]any, kind string) any {
	low := bound(s, "minimum", bound(s, "exclusiveMinimum", -20))
	high := bound(s, "maximum", bound(s, "exclusiveMaximum", low+40))
	step := bound(s, "multipleOf", pick(g, 1, 0.5, 0.1))
	f := pick(g, low, high, low-1, high+1, low+step, high-step, 0, float64(g.IntN(300)), (low+high)/2, step*float64(g.IntN(9)))
	if kind == "integer" {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	text := strconv.FormatFloat(f, 'f', g.IntN(4), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	return json.Number(text)
}

var samples = map[string][]string{
	"date-time":     {"2030-01-31T12:00:00Z", "2030-02-30T12:00:00Z", "2030-01-31T12:00:00.123+01:30", "2030-01-31t12:00:00z", "2016-12-31T23:59:60Z", "2016-12-31T22:59:60Z", "2017-01-01T00:59:60+01:00", "2030-01-31 12:00:00Z", "2030-01-31T24:00:00Z", "2030-01-31T12:00:00+24:00"},
	"date":          {"2030-01-31", "2024-02-29", "2023-02-29", "2030-13-01", "0000-01-01", "2030-1-1", "1900-02-29", "2000-02-29"},
	"time":          {"12:00:00Z", "12:00:00", "23:59:60Z", "22:59:60Z", "00:59:60+01:00", "12:00:00.5-02:00", "24:00:00Z", "12:00:00.Z"},
	"duration":      {"P1D", "PT1H", "P", "PT", "P1W", "P1Y2M3DT4H5M6S", "P1DT", "PT1S1H", "P1YT1M", "P1W2D", "1D", "P1Y2D", "PT1H2S"},
	"email":         {"a@b.c", "a.b+c@example.com", "@b", "a@", "a@-b.c", `"a b"@c`, "a..b@c", "a@[127.0.0.1]", "a@[IPv6:::1]", "ü@b", "a@b_c", "a|b@c"},
	"hostname":      {"example.com", "a-b.c", "-a", "a-", "a..b", "", "a_b", "example.com.", strings.Repeat("a", 64), "1.2"},
	"ipv4":          {"127.0.0.1", "256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "::1"},
	"ipv6":          {"::1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "1::2::3", "::ffff:1.2.3.4", "127.0.0.1", "g::"},
	"uri":           {"http://a/b?c#d", "a", "//a", "mailto:a@b", "http://a b", "http://[::1]/", "http://::1/", "1a:b", "http://a/%zz", "urn:x:y", "http://a/{b}", "http:/[::1]", "http://a@b@c/", "http://a@[::1]:1/"},
	"uri-reference": {"a/b", "?x", "#y", "//h/p", "http://a", "a b", `a\b`, "%", "é", "/[::1]", "//[::1]", "//a@b@c"},
	"uuid":          {"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a456-4266141740001"},
	"regex":         {"^a+$", "(", "[a-z]", "a**", ""},
	"json-pointer":  {"", "/a/b", "a", "/~0~1", "/~2", "/~", "/a~"},
	"byte":          {"", "YQ==", "YQ", "YWJj", "Y===", "YW J", "YQ=="},
}

func (g *generator) text(s map[string]any) any {
	if format, ok := s["format"].(string); ok && samples[format] != nil && g.IntN(5) > 0 {
		return pick(g, samples[format]...)
	}
	if s["contentEncoding"] != nil {
		return pick(g, samples["byte"]...)
	}
	low := int(bound(s, "minLength", 0))
	high := int(bound(s, "maxLength", float64(low+4)))
	n := pick(g, low, high, low-1, high+1, low+1)
	letter := pick(g, "a", "é", "1", "😀", "x", "7")
	return pick(g, strings.Repeat(letter, max(n, 0)), "", "red", "abc", "123", "-4", "1.5", "true", "127.0.0.1", "x", `"x"`, "+5", "127", "-129")
}

func (g *generator) array(s map[string]any, depth int) any {
	low := int(bound(s, "minItems", 0))
	high := int(bound(s, "maxItems", float64(low+2)))
	n := pick(g, low, high, low+1, low, high)
	if g.flaw() {
		n = pick(g, low-1, high+1)
	}
	if depth > 4 && g.IntN(10) > 0 {
		n = low
	}
	out := []any{}
	for range n {
		items, _ := s["items"].(map[string]any)
		if len(out) > 0 && g.IntN(6) == 0 {
			out = append(out, out[0])
			continue
		}
		if depth > 8 {
			out = append(out, 1)
			continue
		}
		out = append(out, g.value(items, depth+1))
	}
	return out
}

func (g *generator) members(s map[string]any, o map[string]any, depth int) {
	required := map[string]bool{}
	list, _ := s["required"].([]any)
	for _, name := range list {
		required[name.(string)] = true
	}
	properties, _ := s["properties"].(map[string]any)
	few := g.IntN(3) == 0
	for _, name := range sorted(properties) {
		wanted := required[name]
		if g.flaw() && g.IntN(2) == 0 || !wanted && (few || g.IntN(2) == 0 || depth > 4) || depth > 8 {
			continue
		}
		o[name] = g.value(properties[name].(map[string]any), depth+1)
	}
	if values, ok := s["additionalProperties"].(map[string]any); ok && depth < 5 {
		for range g.IntN(3) {
			o[pick(g, "red", "ab", "abcd", "1", "-2", "a/b", "a~b", "", "x y", "300")] = g.value(values, depth+1)
		}
	} else if g.flaw() {
		o[pick(g, "other", "red")] = g.anything(depth)
	}
}

func sorted(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	for i := range names { // few
		for j := range i {
			if names[i] < names[j] {
				names[i], names[j] = names[j], names[i]
			}
		}
	}
	return names
}

func (g *generator) anything(depth int) any {
	if depth > 4 {
		return 1
	}
	switch g.IntN(8) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return g.IntN(10) - 3
	case 3:
		return pick(g, "", "null", "cat", "red", "12")
	case 4:
		return []any{}
	case 5:
		return map[string]any{}
	case 6:
		return []any{g.anything(depth + 1)}
	}
	return map[string]any{"kind": g.anything(depth + 1)}
}
