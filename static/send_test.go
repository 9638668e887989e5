package static

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// SF-04: only GET and HEAD, and HEAD tells what GET would.
func TestSF04Methods(t *testing.T) {
	t.Parallel()
	app := tako.New()
	dir := files(t, map[string]string{"a.txt": "hello", "large": strings.Repeat("x", 1<<17), "sub/index.html": "i"})
	Dir(app, "/s/", dir, Config{List: true})
	everywhere(t, app, func(t *testing.T, c client) {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			c.do(method, "/s/a.txt").refused(t, method, 405)
			assert.Equal(t, c.do(method, "/s/a.txt").header.Get("Allow"), "GET, HEAD, OPTIONS")
		}
		for _, target := range []string{"/s/a.txt", "/s/large", "/s/none", "/s/sub/", "/s/"} {
			get, head := c.get(target), c.do("HEAD", target)
			head.is(t, get.status, "")
			for _, name := range []string{"Content-Type", "Last-Modified", "Accept-Ranges", "Content-Length", "X-Content-Type-Options"} {
				assert.Equal(t, head.header.Get(name), get.header.Get(name), target, " ", name)
			}
			assert.Equal(t, head.length, int64(len(get.body)), target)
		}
		c.do("HEAD", "/s/a.txt", "Range: bytes=0-1").is(t, 200, "").has(t, "Content-Length: 5")
	})
}

// SF-05 and SF-06: conditions in the order of RFC 9110, section 13.2.2.
func TestSF05Precedence(t *testing.T) {
	t.Parallel()
	app := tako.New()
	dir := files(t, map[string]string{"a.txt": "hello"})
	settledDir(t, app, "/s/", dir, Config{})
	const before, after = "Thu, 02 Jan 2020 03:04:04 GMT", "Fri, 03 Jan 2020 00:00:00 GMT"
	everywhere(t, app, func(t *testing.T, c client) {
		tag := c.get("/s/a.txt").is(t, 200, "hello").has(t, "Last-Modified: "+oldText).header.Get("Etag")
		if !strings.HasPrefix(tag, `"`) {
			t.Fatalf("the tag is %s, want a strong one", tag)
		}
		for _, tt := range []struct {
			fields string // TAG stands for the tag
			want   int
		}{
			{"If-Match: TAG", 200}, {`If-Match: "x", TAG`, 200}, {"If-Match: *", 200}, {`If-Match: "x"`, 412}, {"If-Match: W/TAG", 412}, {"If-Match: x", 412},
			{"If-None-Match: TAG", 304}, {"If-None-Match: W/TAG", 304}, {"If-None-Match: *", 304}, {`If-None-Match: "x", TAG`, 304}, {`If-None-Match: "x"`, 200}, {"If-None-Match: x", 200},
			{"If-Unmodified-Since: " + before, 412}, {"If-Unmodified-Since: " + oldText, 200}, {"If-Unmodified-Since: yesterday", 200},
			{"If-Modified-Since: " + oldText, 304}, {"If-Modified-Since: " + before, 200}, {"If-Modified-Since: " + after, 304}, {"If-Modified-Since: never", 200},
			{"If-Modified-Since: Thursday, 02-Jan-20 03:04:05 GMT", 304}, {"If-Modified-Since: Thu Jan  2 03:04:05 2020", 304},
			{"If-Match: TAG|If-Unmodified-Since: " + before, 200}, {`If-Match: "x"|If-None-Match: TAG`, 412},
			{`If-None-Match: "x"|If-Modified-Since: ` + oldText, 200}, {"If-None-Match: TAG|If-Modified-Since: " + before, 304},
			{"If-Match: TAG|If-None-Match: TAG", 304}, {"If-None-Match: TAG|Range: bytes=0-1", 304}, {`If-Match: "x"|Range: bytes=0-1`, 412},
			{"If-Match: TAG|Range: bytes=0-1|If-Range: TAG", 206}, {"If-Unmodified-Since: " + before + "|If-None-Match: TAG", 412},
		} {
			fields := strings.Split(strings.ReplaceAll(tt.fields, "TAG", tag), "|")
			got := c.get("/s/a.txt", fields...)
			assert.Equal(t, got.status, tt.want, tt.fields)
			assert.NoError(t, got.broken)
		}
	})
}

// SF-07: 304 keeps what belongs to it and has no body.
func TestSF07NotModified(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.Header().Add("Set-Cookie", "a=1")
			c.Header().Add("Set-Cookie", "b=2")
			c.Header().Set("Content-Location", "/s/a.txt")
			return next(c)
		}
	})
	dir := files(t, map[string]string{"a.txt": "hello", "a.txt.gz": "packed"})
	settledDir(t, app, "/s/", dir, Config{Precompressed: true, Cache: func(string) string { return "max-age=60" }})
	everywhere(t, app, func(t *testing.T, c client) {
		tag := c.get("/s/a.txt").header.Get("Etag")
		got := c.get("/s/a.txt", "If-None-Match: "+tag).is(t, 304, "")
		got.has(t, "Etag: "+tag, "Vary: Accept-Encoding", "Cache-Control: max-age=60", "Content-Location: /s/a.txt", "Content-Type: ", "Last-Modified: "+oldText)
		assert.Equal(t, got.header.Values("Set-Cookie"), []string{"a=1", "b=2"})
		assert.Equal(t, got.header.Get("Date") != "", true)
	})
}

// SF-08 and SF-09: one range.
func TestSF08Range(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 20_000)
	dir := files(t, map[string]string{"a.txt": "0123456789", "empty": "", "big": big})
	app := tako.New()
	Dir(app, "/dir/", dir, Config{})
	FS(app, "/fs/", fstest.MapFS{"a.txt": {Data: []byte("0123456789")}, "empty": {}, "big": {Data: []byte(big)}}, Config{})
	everywhere(t, app, func(t *testing.T, c client) {
		for _, tt := range []struct{ name, value, body, contentRange string }{
			{"a.txt", "bytes=0-0", "0", "bytes 0-0/10"}, {"a.txt", "bytes=0-", "0123456789", "bytes 0-9/10"}, {"a.txt", "bytes=-1", "9", "bytes 9-9/10"},
			{"a.txt", "bytes=-0", "", "bytes */10"}, {"a.txt", "bytes=5-99", "56789", "bytes 5-9/10"}, {"a.txt", "bytes=10-", "", "bytes */10"},
			{"a.txt", "bytes=2-18446744073709551616", "23456789", "bytes 2-9/10"}, {"a.txt", "bytes=18446744073709551616-", "", "bytes */10"},
			{"a.txt", "bytes=-99999999999999999999", "0123456789", "bytes 0-9/10"}, {"empty", "bytes=0-", "", "bytes */0"}, {"empty", "bytes=-0", "", "bytes */0"},
			{"big", "bytes=100000-199999", big[100000:], "bytes 100000-199999/200000"}, {"big", "bytes=-3", "789", "bytes 199997-199999/200000"},
			{"big", "bytes=1-70000", big[1:70001], "bytes 1-70000/200000"},
			{"a.txt", "bytes=5-2", "0123456789", ""}, {"a.txt", "bytes=a-b", "0123456789", ""}, {"a.txt", "lines=0-1", "0123456789", ""},
			{"a.txt", "bytes", "0123456789", ""}, {"empty", "bytes=-5", "", ""}, {"a.txt", "bytes=0-1 2-3", "0123456789", ""},
		} {
			for _, mount := range []string{"/dir/", "/fs/"} {
				got := c.get(mount+tt.name, "Range: "+tt.value).has(t, "Content-Range: "+tt.contentRange)
				switch {
				case tt.contentRange == "":
					got.is(t, 200, tt.body)
				case strings.HasPrefix(tt.contentRange, "bytes */"):
					got.refused(t, tt.value, 416)
				default:
					got.is(t, 206, tt.body).has(t, "Accept-Ranges: bytes", "Content-Length: "+strconv.Itoa(len(tt.body)))
				}
			}
		}
		c.get("/dir/a.txt", "Range: bytes=0-1", "Range: bytes=2-3").is(t, 200, "0123456789")
	})
}

// SF-10: several ranges, and never more bytes than the file has.
func TestSF10Ranges(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 20_000)
	dir := files(t, map[string]string{"a.txt": "0123456789", "big.txt": big})
	app := tako.New()
	Dir(app, "/s/", dir, Config{})
	everywhere(t, app, func(t *testing.T, c client) {
		got := c.get("/s/big.txt", "Range: bytes=0-4, 100000-199998, -1, 50000-50001")
		assert.Equal(t, got.status, 206)
		kind, params, err := mime.ParseMediaType(got.header.Get("Content-Type"))
		assert.NoError(t, err)
		assert.Equal(t, kind, "multipart/byteranges")
		assert.Equal(t, got.header.Get("Content-Range"), "")
		assert.Equal(t, got.header.Get("Content-Length"), strconv.Itoa(len(got.body)))
		form := multipart.NewReader(strings.NewReader(got.body), params["boundary"])
		for _, want := range []struct{ contentRange, body string }{
			{"bytes 0-4/200000", big[:5]}, {"bytes 100000-199999/200000", big[100000:]}, {"bytes 50000-50001/200000", big[50000:50002]},
		} {
			p, err := form.NextRawPart()
			assert.NoError(t, err)
			text, err := io.ReadAll(p)
			assert.NoError(t, err)
			assert.Equal(t, p.Header.Get("Content-Range"), want.contentRange)
			assert.Equal(t, p.Header.Get("Content-Type"), "text/plain; charset=utf-8")
			assert.Equal(t, string(text) == want.body, true, "body of ", want.contentRange)
		}
		_, err = form.NextRawPart()
		assert.ErrorIs(t, err, io.EOF)

		c.get("/s/big.txt", "Range: bytes=0-9,10-19,5-30").is(t, 206, big[:31]).has(t, "Content-Range: bytes 0-30/200000")
		for _, n := range []int{4, 17, 100, 1000} {
			var spec []string
			for i := range n {
				spec = append(spec, fmt.Sprint(2*i, "-", 2*i))
			}
			c.get("/s/a.txt", "Range: bytes="+strings.Join(spec, ",")).is(t, 200, "0123456789")
			if n > 16 {
				c.get("/s/big.txt", "Range: bytes="+strings.Join(spec, ",")).is(t, 200, big)
			}
			for _, same := range []string{"0-", "0-199999,", "-200000,"} {
				if got := c.get("/s/big.txt", "Range: bytes="+strings.Repeat(same+",", n)); len(got.body) > len(big)+1000 {
					t.Errorf("%d times %s: got %d bytes", n, same, len(got.body))
				}
			}
		}
		many := c.get("/s/a.txt", "Range: bytes="+strings.Repeat("0-,", 10_000))
		if many.broken == nil && many.status != 200 && many.status != 431 {
			t.Errorf("10 000 ranges: got %d", many.status)
		}
	})
}

// SF-11: a range goes with the state it was asked for only.
func TestSF11IfRange(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"a.txt": "0123456789"})
	app := tako.New()
	settledDir(t, app, "/s/", dir, Config{})
	fresh, err := newDirTree(dir)
	assert.NoError(t, err)
	app.Get("/fresh/{file...}", newSite(fresh, Config{}.withDefaults(), time.Now).serve)
	everywhere(t, app, func(t *testing.T, c client) {
		tag := c.get("/s/a.txt").header.Get("Etag")
		for value, status := range map[string]int{tag: 206, `"old"`: 200, "W/" + tag: 200, oldText: 206, "Thu, 02 Jan 2020 03:04:06 GMT": 200, "Fri, 03 Jan 2025 03:04:05 GMT": 200, "x": 200} {
			got := c.get("/s/a.txt", "Range: bytes=2-3", "If-Range: "+value)
			got.is(t, status, map[int]string{200: "0123456789", 206: "23"}[status])
		}
	})
}

// SF-12: a tag changes with the content, and with nothing else.
func TestSF12Tags(t *testing.T) {
	t.Parallel()
	dir, replica := files(t, map[string]string{"a.txt": "hello", "big": strings.Repeat("x", 100)}), files(t, map[string]string{"a.txt": "hello"})
	later := oldDate.Add(time.Hour)
	assert.NoError(t, os.Chtimes(filepath.Join(replica, "a.txt"), later, later))
	app := tako.New()
	settledDir(t, app, "/one/", dir, Config{})
	settledDir(t, app, "/restarted/", dir, Config{})
	settledDir(t, app, "/replica/", replica, Config{})
	settledDir(t, app, "/small/", dir, Config{HashBytes: 10})
	FS(app, "/embedded/", fstest.MapFS{"a.txt": {Data: []byte("hello")}}, Config{})
	Dir(app, "/now/", dir, Config{})
	c := start(t, serverOf(app), nil)
	tag := func(target string) string { return c.get(target).header.Get("Etag") }
	first := tag("/one/a.txt")
	for _, other := range []string{"/one/a.txt", "/restarted/a.txt", "/replica/a.txt", "/embedded/a.txt"} {
		assert.Equal(t, tag(other), first, other)
	}
	assert.Equal(t, strings.HasPrefix(tag("/small/big"), `"64-`), true, "tag of a large file")
	assert.NoError(t, os.Chtimes(filepath.Join(dir, "big"), time.Unix(0, 0), time.Unix(0, 0)))
	if undated := tag("/small/big"); len(undated) > 28 { // not that of the content
		t.Errorf("a large file without a date has the tag %s", undated)
	}
	if now := tag("/now/a.txt"); !strings.HasPrefix(now, "W/") {
		t.Errorf("a file that was changed just now has the strong tag %s", now)
	}
	// The same size, and the same time of modification.
	write(t, filepath.Join(dir, "a.txt"), "hullo")
	assert.Equal(t, tag("/one/a.txt") != first, true, "the tag of other content")
	write(t, filepath.Join(dir, "a.txt"), "hello")
	assert.Equal(t, tag("/one/a.txt"), first)
	// Replaced by another file.
	write(t, filepath.Join(dir, "b"), "hallo")
	assert.NoError(t, os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "a.txt")))
	c.get("/one/a.txt", "If-None-Match: "+first).is(t, 200, "hallo")
}

// SF-12: a coded file has one tag by its own name and another as the coding of a file,
// whichever is asked for first.
func TestSF12CodedTags(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"a.js": "original", "a.js.gz": "packed"})
	app := tako.New()
	settledDir(t, app, "/own/", dir, Config{Precompressed: true})
	settledDir(t, app, "/coded/", dir, Config{Precompressed: true})
	c := start(t, serverOf(app), nil)
	own := func(prefix string) string { return c.get(prefix + "a.js.gz").header.Get("Etag") }
	coded := func(prefix string) string {
		return c.get(prefix+"a.js", "Accept-Encoding: gzip").is(t, 200, "packed").header.Get("Etag")
	}
	first, second := own("/own/"), coded("/own/")
	assert.Equal(t, first != second, true, "a tag for each")
	assert.Equal(t, coded("/coded/"), second)
	assert.Equal(t, own("/coded/"), first)
}

// Tags are kept for a bounded number of files.
func TestTagsBounded(t *testing.T) {
	t.Parallel()
	tg := tags{hashBytes: 100, now: time.Now, kept: map[tagKey]*tag{}}
	for i := range maxTags + 100 {
		f := &file{stamp: stamp{size: 1}, source: fsFile{memFile{bytes.NewReader([]byte{byte(i)})}}}
		_, err := tg.of(strconv.Itoa(i), "", f)
		assert.NoError(t, err)
	}
	assert.Equal(t, len(tg.kept), maxTags)
	large := &file{stamp: stamp{size: 101}, source: fsFile{memFile{bytes.NewReader(nil)}}} // is not read
	none, err := tg.of("large", "", large)
	assert.NoError(t, err)
	assert.Equal(t, none, "")
	short := &file{stamp: stamp{size: 9}, source: fsFile{memFile{bytes.NewReader([]byte("short"))}}}
	_, err = tg.of("short", "", short)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, tg.kept[tagKey{"short", ""}] == nil, true, "a failure is kept")
}

// SF-13: siblings are chosen by weight, and are representations of their own.
func TestSF13Precompressed(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"a.js": "original", "a.js.br": "brotli-bytes", "a.js.zst": "zstd-bytes", "a.js.gz": "gzip-bytes",
		"old.js": "original", "old.js.br": "stale", "old.js.gz": "gzip-bytes", "dir.js": "original", "dir.js.br/x": "", "locked.js": "original", "locked.js.br": "secret",
	})
	early := oldDate.Add(-time.Second)
	assert.NoError(t, os.Chtimes(filepath.Join(dir, "old.js.br"), early, early))
	assert.NoError(t, os.Chmod(filepath.Join(dir, "locked.js.br"), 0))
	app := tako.New()
	settledDir(t, app, "/s/", dir, Config{Precompressed: true})
	everywhere(t, app, func(t *testing.T, c client) {
		tags := map[string]string{}
		for _, tt := range []struct{ name, accept, body, coding string }{
			{"a.js", "br, gzip", "brotli-bytes", "br"}, {"a.js", "gzip", "gzip-bytes", "gzip"}, {"a.js", "zstd", "zstd-bytes", "zstd"}, {"a.js", "br;q=0, gzip", "gzip-bytes", "gzip"},
			{"a.js", "br;q=0.0, gzip;q=0.000", "original", ""}, {"a.js", "br;q=0.1, gzip;q=0.9", "gzip-bytes", "gzip"}, {"a.js", "", "original", ""}, {"a.js", "identity", "original", ""},
			{"a.js", "*", "brotli-bytes", "br"}, {"a.js", "identity;q=0, *;q=0", "original", ""}, {"a.js", "br;q=x, gzip", "gzip-bytes", "gzip"},
			{"old.js", "br, gzip", "gzip-bytes", "gzip"}, {"old.js", "br", "original", ""}, {"dir.js", "br", "original", ""},
		} {
			fields := []string{"Accept-Encoding: " + tt.accept}
			got := c.get("/s/"+tt.name, fields...).is(t, 200, tt.body)
			got.has(t, "Content-Encoding: "+tt.coding, "Vary: Accept-Encoding", "Content-Type: text/javascript; charset=utf-8", "X-Content-Type-Options: nosniff")
			if tt.name == "a.js" {
				tag := got.header.Get("Etag")
				if other, ok := tags[tag]; ok && other != tt.coding {
					t.Errorf("%q and %q have the same tag", other, tt.coding)
				}
				tags[tag] = tt.coding
				c.get("/s/a.js", append(fields, "If-None-Match: "+tag)...).is(t, 304, "").has(t, "Vary: Accept-Encoding", "Content-Encoding: ")
				c.get("/s/a.js", append(fields, "Range: bytes=1-3", "If-Range: "+tag)...).is(t, 206, tt.body[1:4]).
					has(t, "Content-Encoding: "+tt.coding, "Content-Range: "+fmt.Sprintf("bytes 1-3/%d", len(tt.body)))
			}
		}
		assert.Equal(t, len(tags), 4)
		if os.Getuid() != 0 {
			c.get("/s/locked.js", "Accept-Encoding: br").is(t, 200, "original")
		}
		c.get("/s/a.js", "Accept-Encoding: br", "Range: bytes=99-").refused(t, "beyond", 416)
		// The parts together are not in the coding that the field tells.
		whole := c.get("/s/a.js", "Accept-Encoding: br")
		c.get("/s/a.js", "Accept-Encoding: br", "Range: bytes=0-0,2-2").is(t, 200, whole.body).has(t, "Content-Encoding: br", "Content-Range: ")
		c.get("/s/none.js", "Accept-Encoding: br").refused(t, "none", 404)
	})
}

// SF-16: types, downloads, and files of strangers.
func TestSF16Types(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"x.unknown-type": "a", "noext": "<html>", "page.html": "<script>", "pic.svg": "<svg/>", "pic.png": "p", "a.txt": "t", "A.JS": "x", "x.own": "x", "doc.pdf": "d"})
	write(t, filepath.Join(dir, "q\"ü.bin"), "x")
	app := tako.New()
	Dir(app, "/s/", dir, Config{Types: map[string]string{".own": "x/own"}, Download: func(name string) string {
		if filepath.Ext(name) == ".bin" {
			return name
		}
		return ""
	}})
	Dir(app, "/users/", dir, Config{Untrusted: true})
	everywhere(t, app, func(t *testing.T, c client) {
		for name, kind := range map[string]string{"x.unknown-type": "application/octet-stream", "noext": "application/octet-stream", "page.html": "text/html; charset=utf-8",
			"pic.svg": "image/svg+xml", "A.JS": "text/javascript; charset=utf-8", "x.own": "x/own"} {
			got := c.get("/s/"+name).has(t, "Content-Type: "+kind, "X-Content-Type-Options: nosniff", "Content-Disposition: ")
			assert.Equal(t, got.status, 200, name)
		}
		got := c.get("/s/q%22%C3%BC.bin")
		_, params, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
		assert.NoError(t, err)
		assert.Equal(t, params["filename"], "q\"ü.bin")
		for name, attached := range map[string]bool{"page.html": true, "pic.svg": true, "doc.pdf": true, "noext": true, "pic.png": false, "a.txt": false} {
			got := c.get("/users/" + name)
			assert.Equal(t, got.status, 200)
			assert.Contains(t, got.header.Get("Content-Security-Policy"), "sandbox")
			assert.Equal(t, strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment"), attached, name)
		}
	})
}

func TestCachePolicies(t *testing.T) {
	t.Parallel()
	policy := Rules(Rule{"assets/**", "a"}, Rule{"*.html", "b"}, Rule{"x/*.js", "c"}, Rule{"[", "d"})
	for name, want := range map[string]string{"assets/x/y.html": "a", "z/i.html": "b", "x/a.js": "c", "y/a.js": "", "assets": "", "[": ""} {
		assert.Equal(t, policy(name), want, name)
	}
	hashed := Hashed("no-cache")
	for name, want := range map[string]bool{"js/app.3f2a9c1b.js": true, "index-BxY12_Qw.css": true, "jquery-minified.js": false, "report-20240101.pdf": false, "app.js": false, "a1b2c3d4.js": false, "x.": false, "": false} {
		assert.Equal(t, hashed(name) == Immutable, want, name)
	}
	dir := files(t, map[string]string{"a.html": "x"})
	app := tako.New()
	Dir(app, "/", dir, Config{Cache: Hashed("no-cache")})
	c := start(t, serverOf(app), nil)
	c.get("/a.html").is(t, 200, "x").has(t, "Cache-Control: no-cache")
	c.get("/a.html", "If-Match: \"x\"").has(t, "Cache-Control: ").refused(t, "412", 412)
	c.get("/none").has(t, "Cache-Control: ").refused(t, "404", 404)
}
