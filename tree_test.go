package tako

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// treeOf returns the tree of the routes; of two with one method and shape the
// first counts.
func treeOf(tb testing.TB, routes []*route) *tree {
	tb.Helper()
	var d draft
	for _, r := range routes {
		l := d.insert(r.parts)
		taken := r.method == "" && l.any != nil
		for other := range l.routes {
			taken = taken || other.method == r.method
		}
		switch {
		case taken:
		case r.method == "":
			l.any = r
		default:
			l.add(r)
		}
	}
	t, err := d.compact()
	assert.NoError(tb, err)
	return &t
}

// routeOf makes a route of "METHOD /pattern"; without a method it serves any.
func routeOf(tb testing.TB, text string) *route {
	tb.Helper()
	method, pattern, ok := strings.Cut(text, " ")
	if !ok {
		method, pattern = "", text
	}
	parts, err := parsePattern(pattern)
	assert.NoError(tb, err, text)
	return &route{method: method, path: pattern, parts: parts}
}

// lookUp says which route serves the request, with the values of its parameters.
func lookUp(t *tree, method, path string) string {
	var params [maxParams]string
	r := t.find(path, method, &params)
	if r == nil {
		return "none, allowed " + strings.Join(t.allowed(path), " ")
	}
	return describeMatch(r, params[:])
}

func describeMatch(r *route, params []string) string {
	text := strings.TrimSpace(r.method + " " + r.path)
	k := 0
	for _, p := range r.parts {
		if p.param != "" {
			text += fmt.Sprintf(" %s=%s", p.param, params[k])
			k++
		}
	}
	return text
}

func TestTree(t *testing.T) {
	t.Parallel()
	var routes []*route
	for _, text := range []string{
		"GET /", "GET /users/", "GET /users/me", "GET /users/{id}", "DELETE /users/{id}", "GET /users/{id}/posts",
		"POST /users/me/posts", "GET /users/{id}/posts/{post}", "HEAD /users/{id}/posts/{post}",
		"GET /files/{path...}", "GET /files/readme", "PUT /files/{name}", "/any/{x}", "POST /any/{y}", "GET /any/it",
		"GET /a/{x}/b/c", "GET /a/b/{y}/d", "GET /{first}/{second}/{third}/e", "/spa/{rest...}", "GET /spa/login",
		"GET /us", "GET /use", "GET /use/{x}", "GET /x%2Fy", "OPTIONS /users/me", "GET /deep/{a}/{b}/{c}/{d...}",
	} {
		routes = append(routes, routeOf(t, text))
	}
	tests := []struct{ method, path, want string }{
		{"GET", "/", "GET /"},
		{"HEAD", "/", "GET /"},
		{"POST", "/", "none, allowed GET HEAD OPTIONS"},
		{"GET", "/nope", "none, allowed "},
		{"GET", "/us", "GET /us"},
		{"GET", "/use", "GET /use"},
		{"GET", "/u", "none, allowed "},
		{"GET", "/used", "none, allowed "},
		{"GET", "/use/", "none, allowed "},
		{"GET", "/use/1", "GET /use/{x} x=1"},
		{"GET", "/users", "none, allowed "},
		{"GET", "/users/", "GET /users/"},
		{"GET", "/users/me", "GET /users/me"},
		{"GET", "/users/mee", "GET /users/{id} id=mee"},
		{"GET", "/users/m", "GET /users/{id} id=m"},
		{"HEAD", "/users/m", "GET /users/{id} id=m"},
		{"DELETE", "/users/me", "DELETE /users/{id} id=me"},
		{"OPTIONS", "/users/me", "OPTIONS /users/me"},
		{"OPTIONS", "/users/7", "none, allowed DELETE GET HEAD OPTIONS"},
		{"PUT", "/users/me", "none, allowed DELETE GET HEAD OPTIONS"},
		{"GET", "/users/me/posts", "GET /users/{id}/posts id=me"},
		{"POST", "/users/me/posts", "POST /users/me/posts"},
		{"POST", "/users/7/posts", "none, allowed GET HEAD OPTIONS"},
		{"PATCH", "/users/me/posts", "none, allowed GET HEAD OPTIONS POST"},
		{"GET", "/users/me/posts/1", "GET /users/{id}/posts/{post} id=me post=1"},
		{"HEAD", "/users/7/posts/1", "HEAD /users/{id}/posts/{post} id=7 post=1"},
		{"GET", "/users/7/posts/", "none, allowed "},
		{"GET", "/users/7/", "none, allowed "},
		{"GET", "/files/", "GET /files/{path...} path="},
		{"GET", "/files", "none, allowed "},
		{"GET", "/files/readme", "GET /files/readme"},
		{"GET", "/files/readme/", "GET /files/{path...} path=readme/"},
		{"GET", "/files/a/b/c/", "GET /files/{path...} path=a/b/c/"},
		{"PUT", "/files/a", "PUT /files/{name} name=a"},
		{"GET", "/files/a", "GET /files/{path...} path=a"},
		{"HEAD", "/files/a", "GET /files/{path...} path=a"},
		{"PUT", "/files/readme", "PUT /files/{name} name=readme"},
		{"DELETE", "/files/readme", "none, allowed GET HEAD OPTIONS PUT"},
		{"DELETE", "/any/it", "/any/{x} x=it"},
		{"GET", "/any/it", "GET /any/it"},
		{"POST", "/any/it", "POST /any/{y} y=it"},
		{"FOO", "/any/1", "/any/{x} x=1"},
		{"OPTIONS", "/any/1", "/any/{x} x=1"},
		{"HEAD", "/any/1", "/any/{x} x=1"},
		{"GET", "/a/b/b/c", "GET /a/{x}/b/c x=b"},
		{"GET", "/a/b/b/d", "GET /a/b/{y}/d y=b"},
		{"GET", "/a/b/b/e", "GET /{first}/{second}/{third}/e first=a second=b third=b"},
		{"GET", "/users/me/posts/e", "GET /users/{id}/posts/{post} id=me post=e"},
		{"GET", "/users/me/x/e", "GET /{first}/{second}/{third}/e first=users second=me third=x"},
		{"GET", "/spa/login", "GET /spa/login"},
		{"POST", "/spa/login", "/spa/{rest...} rest=login"},
		{"GET", "/spa/a/b", "/spa/{rest...} rest=a/b"},
		{"GET", "/x%2Fy", "GET /x%2Fy"},
		{"GET", "/x/y", "none, allowed "},
		{"GET", "/users/a%2Fb", "GET /users/{id} id=a%2Fb"},
		{"GET", "/deep/1/2/3/", "GET /deep/{a}/{b}/{c}/{d...} a=1 b=2 c=3 d="},
		{"GET", "/deep/1/2/3", "none, allowed "},
	}
	for seed := range uint64(8) {
		tr := treeOf(t, routes)
		for _, tt := range tests {
			assert.Equal(t, lookUp(tr, tt.method, tt.path), tt.want, "order ", seed, ": ", tt.method, " ", tt.path)
		}
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(routes), func(i, j int) { routes[i], routes[j] = routes[j], routes[i] })
	}
}

func TestTreeEmpty(t *testing.T) {
	t.Parallel()
	tr := treeOf(t, nil)
	for _, path := range []string{"/", "/a", ""} {
		assert.Equal(t, lookUp(tr, "GET", path), "none, allowed ", path)
		assert.Equal(t, lookUp(tr, "", path), "none, allowed ", path)
	}
	assert.Equal(t, lookUp(new(tree), "GET", "/"), "none, allowed ")
}

// Literals longer than any small integer must not match something shorter.
func TestTreeLongLiterals(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 254, 255, 256, 257, 8191, 8192} {
		long := "/" + strings.Repeat("a", n-1)
		tr := treeOf(t, []*route{routeOf(t, "GET "+long), routeOf(t, "GET /b/{x}")})
		if got := lookUp(tr, "GET", long); got != "GET "+long {
			t.Errorf("literal of %d bytes: got %.40s", n, got)
		}
		for _, path := range []string{"/", long[:n-1], long + "a", long + strings.Repeat("a", 1<<16), long[:n/2]} {
			if got := lookUp(tr, "GET", path); got != "none, allowed " {
				t.Errorf("literal of %d bytes: path of %d got %.40s, want none", n, len(path), got)
			}
		}
	}
}

func TestTreeManyRoutes(t *testing.T) {
	t.Parallel()
	var routes []*route
	for i := range 3000 {
		routes = append(routes, routeOf(t, fmt.Sprintf("GET /r%d/{id}/x%d", i, i%7)))
	}
	tr := treeOf(t, routes)
	for i := range 3000 {
		want := fmt.Sprintf("GET /r%d/{id}/x%d id=v", i, i%7)
		assert.Equal(t, lookUp(tr, "GET", fmt.Sprintf("/r%d/v/x%d", i, i%7)), want)
	}
	assert.Equal(t, lookUp(tr, "GET", "/r3000/v/x4"), "none, allowed ")
	assert.Equal(t, lookUp(tr, "GET", "/r1/v/x4"), "none, allowed ")
}

// A search that comes back from every dead end stays bounded by the routes.
func TestTreeBacktrackingIsBounded(t *testing.T) {
	t.Parallel()
	var routes []*route
	for i := range 1 << 10 {
		pattern := ""
		for bit := range 10 {
			if i>>bit&1 == 0 {
				pattern += "/a"
			} else {
				pattern += fmt.Sprintf("/{p%d}", bit)
			}
		}
		routes = append(routes, routeOf(t, "GET "+pattern+"/end"))
	}
	tr := treeOf(t, routes)
	assert.Equal(t, lookUp(tr, "GET", strings.Repeat("/a", 10)+"/other"), "none, allowed ")
	assert.Equal(t, lookUp(tr, "GET", strings.Repeat("/a", 30<<10)), "none, allowed ")
	assert.Equal(t, lookUp(tr, "GET", strings.Repeat("/b", 10)+"/end")[:4], "GET ")
}

// naive is the look-up in other words: the best of all patterns that match and
// have a route for the method, compared segment by segment.
type naive []*route

func segmentsOf(r *route) []string {
	pattern := strings.TrimSuffix(r.path, "{$}")
	return strings.Split(pattern[1:], "/")
}

func isParam(s string) bool { return strings.HasPrefix(s, "{") }
func isRest(s string) bool  { return strings.HasSuffix(s, "...}") }

// class orders the kinds of segments.
func class(s string) int {
	switch {
	case isRest(s):
		return 2
	case isParam(s):
		return 1
	}
	return 0
}

func (routes naive) match(r *route, path string) (params []string, ok bool) {
	got := strings.Split(path[1:], "/")
	for i, s := range segmentsOf(r) {
		switch {
		case i >= len(got):
			return nil, false
		case isRest(s):
			return append(params, strings.Join(got[i:], "/")), true
		case isParam(s):
			if got[i] == "" {
				return nil, false
			}
			params = append(params, got[i])
		case s != got[i]:
			return nil, false
		}
	}
	return params, len(segmentsOf(r)) == len(got)
}

func compareRoutes(a, b *route) int {
	sa, sb := segmentsOf(a), segmentsOf(b)
	for i := range min(len(sa), len(sb)) {
		if c := class(sa[i]) - class(sb[i]); c != 0 {
			return c
		}
	}
	return 0
}

func (routes naive) find(method, path string) string {
	var best *route
	var bestParams []string
	rank := func(r *route) int {
		switch {
		case r.method == method:
			return 0
		case method == "HEAD" && r.method == "GET":
			return 1
		case r.method == "":
			return 2
		}
		return -1
	}
	allowed := map[string]bool{}
	for _, r := range routes {
		params, ok := routes.match(r, path)
		if !ok {
			continue
		}
		if r.method != "" {
			allowed[r.method], allowed["OPTIONS"] = true, true
			allowed["HEAD"] = allowed["HEAD"] || r.method == "GET"
		}
		if rank(r) < 0 {
			continue
		}
		if best != nil {
			c := compareRoutes(r, best)
			if c > 0 || c == 0 && rank(r) >= rank(best) {
				continue
			}
		}
		best, bestParams = r, params
	}
	if best != nil {
		return describeMatch(best, bestParams)
	}
	var methods []string
	for m := range allowed {
		if allowed[m] {
			methods = append(methods, m)
		}
	}
	slices.Sort(methods)
	return "none, allowed " + strings.Join(methods, " ")
}

var treeWords = []string{"a", "b", "ab", "abc", "abd", "b%2F", "c", "a.b"}

// randomRoutes returns routes no two of which have the same method and shape.
func randomRoutes(tb testing.TB, rnd *rand.Rand) naive {
	var routes naive
	seen := map[string]bool{}
	methods := []string{"GET", "GET", "POST", "HEAD", "OPTIONS", ""}
	for range 1 + rnd.IntN(24) {
		var b, key strings.Builder
		n := 1 + rnd.IntN(5)
		for i := range n {
			b.WriteByte('/')
			key.WriteByte('/')
			last := i == n-1
			switch k := rnd.IntN(10); {
			case k < 3:
				fmt.Fprintf(&b, "{p%d}", i)
				key.WriteString("{}")
			case k == 3 && last:
				b.WriteString("{rest...}")
				key.WriteString("{...}")
			case k == 4 && last:
			default:
				word := treeWords[rnd.IntN(len(treeWords))]
				b.WriteString(word)
				key.WriteString(word)
			}
		}
		method := methods[rnd.IntN(len(methods))]
		if id := method + " " + key.String(); !seen[id] {
			seen[id] = true
			routes = append(routes, routeOf(tb, strings.TrimPrefix(method+" "+b.String(), " ")))
		}
	}
	return routes
}

func randomPath(rnd *rand.Rand) string {
	path := ""
	for range 1 + rnd.IntN(6) {
		path += "/" + append(treeWords, "z", "abcd")[rnd.IntN(len(treeWords)+2)]
	}
	if rnd.IntN(4) == 0 {
		path += "/"
	}
	if rnd.IntN(20) == 0 {
		path = "/"
	}
	return path
}

func checkAgainstNaive(t *testing.T, seed uint64, paths int) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	routes := randomRoutes(t, rnd)
	tr := treeOf(t, routes)
	shuffled := slices.Clone(routes)
	rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	other := treeOf(t, shuffled)
	for range paths {
		method, path := []string{"GET", "POST", "HEAD", "OPTIONS", "PUT"}[rnd.IntN(5)], randomPath(rnd)
		want := routes.find(method, path)
		for i, tr := range []*tree{tr, other} {
			if got := lookUp(tr, method, path); got != want {
				var list []string
				for _, r := range routes {
					list = append(list, r.method+" "+r.path)
				}
				t.Fatalf("seed %d, order %d: %s %s: got %s, want %s, of\n%s", seed, i, method, path, got, want, strings.Join(list, "\n"))
			}
		}
	}
}

func TestTreeAgainstNaive(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		checkAgainstNaive(t, seed, 40)
	}
}

func FuzzTree(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkAgainstNaive(t, seed, 60) })
}
