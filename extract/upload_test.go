package extract_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

type photo struct {
	File extract.File `file:"file"`
}

type photoForm = extract.MultipartForm[photo]

func TestEX10FileNames(t *testing.T) {
	long := strings.Repeat("é", 2500)
	names := map[string]string{
		"../../x": "x", "/etc/passwd": "passwd", `C:\x`: "x", `C:x`: "C_x", `..\..\x.txt`: "x.txt", "a\x00b.png": "ab.png", "": "", ".": "", "..": "",
		"/": "", "a/": "", "x. . ": "x", " x": "x", "naïve résumé.pdf": "naïve résumé.pdf", ".profile": ".profile", "con": "_con", "LPT1.txt": "_LPT1.txt",
		"com0": "com0", "a\u202egnp.exe": "agnp.exe", "a\xffb": "a_b", "a<b>:\"|?*": "a_b______", "x\x1b[31m": "x[31m", long: long[:254], strings.Repeat("x", 5000) + ".jpeg": strings.Repeat("x", 249) + ".jpeg",
		strings.Repeat("x", 5000): strings.Repeat("x", 254), "nul .x": "_nul .x",
	}
	dir := t.TempDir()
	var got, raw string
	var modes []fs.FileMode
	app := tako.New()
	tako.Supply(app, spilling(dir).Named())
	tako.Post(app, "/", func(_ context.Context, in photoForm) (tako.NoContent, error) {
		got, raw = in.Value.File.Name(), in.Value.File.UnsafeName()
		entries, err := os.ReadDir(dir)
		assert.NoError(t, err)
		for _, e := range entries {
			info, err := e.Info()
			assert.NoError(t, err)
			modes = append(modes, info.Mode())
			if !strings.HasPrefix(e.Name(), "upload-") {
				t.Errorf("%q is stored as %q, want a name of our own", raw, e.Name())
			}
		}
		return tako.NoContent{}, nil
	})
	s := takotest.New(t, app)
	for name, want := range names {
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
		modes = nil
		postForm(s, "/", formOf(formPart(`name=file; filename="`+escaped+`"`, "", "content"))).Expect(204)
		assert.Equal(t, got, want, fmt.Sprintf("%.20q", name))
		assert.Equal(t, raw, name)
		if runtime.GOOS != "windows" {
			assert.Equal(t, modes, []fs.FileMode{0o600}, fmt.Sprintf("%.20q", name))
		}
		assert.Equal(t, extract.CleanFileName(want), want)
	}
	expectNoneLeft(t, dir)
}

// uploadApp has a route for each way a request can end. Handlers tell reads what
// they read of the file.
func uploadApp(limits extract.MultipartLimits, reads chan<- string, release <-chan struct{}) *tako.Router {
	app := tako.New()
	app.Log(quietLog())
	tako.Supply(app, limits)
	read := func(in photoForm) {
		data, err := io.ReadAll(in.Value.File)
		reads <- fmt.Sprint(len(data), err)
	}
	tako.Post(app, "/success", func(_ context.Context, in photoForm) (tako.Stream, error) {
		read(in)
		_, err := in.Value.File.Seek(0, io.SeekStart)
		return tako.Stream{Body: in.Value.File}, err
	})
	tako.Post(app, "/error", func(_ context.Context, in photoForm) (tako.NoContent, error) {
		read(in)
		return tako.NoContent{}, tako.Conflict("no")
	})
	tako.Post(app, "/panic", func(_ context.Context, in photoForm) (tako.NoContent, error) {
		read(in)
		panic(fmt.Errorf("a panic that the test wants: %w", errors.ErrUnsupported))
	})
	tako.Post(app, "/timeout", func(_ context.Context, in photoForm) (tako.NoContent, error) {
		<-release
		read(in)
		return tako.NoContent{}, nil
	}, tako.Timeout(time.Second)) // for the form to be read before, on a busy machine too
	tako.Post(app, "/early", func(context.Context, photoForm) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	}, tako.Timeout(20*time.Millisecond))
	tako.Post(app, "/stop", func(ctx context.Context, in photoForm) (tako.NoContent, error) {
		reads <- "begun"
		<-ctx.Done()
		read(in)
		return tako.NoContent{}, ctx.Err()
	})
	return app
}

func TestEX11Endings(t *testing.T) {
	for _, kind := range []string{"nameless", "named"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			limits := spilling(dir)
			if kind == "named" {
				limits = limits.Named()
			}
			reads, release := make(chan string, 1), make(chan struct{}, 1)
			app := func(*testing.T) *tako.Router { return uploadApp(limits, reads, release) }
			form := formOf(formPart("name=file; filename=x", "", strings.Repeat("x", 100_000)))
			onRuntimes(t, tako.Limits{}, app, func(t *testing.T, s *takotest.Server) {
				resp := postForm(s, "/success", form).Expect(200)
				assert.Equal(t, len(resp.Text), 100_000)
				assert.Equal(t, <-reads, "100000 <nil>")
				expectNoneLeft(t, dir)

				postForm(s, "/error", form).Expect(409)
				assert.Equal(t, <-reads, "100000 <nil>")
				expectNoneLeft(t, dir)

				postForm(s, "/panic", form).Expect(500)
				assert.Equal(t, <-reads, "100000 <nil>")
				expectNoneLeft(t, dir)

				postForm(s, "/timeout", form).Expect(503)
				assert.Equal(t, len(leftIn(t, dir)) > 0, true, "while the handler still runs")
				release <- struct{}{}
				assert.Equal(t, <-reads, "100000 <nil>")
				expectNoneLeft(t, dir)

				gone := halfOf(t, s, "/success")
				assert.Eventually(t, patience, "the file is on disk", func() bool { return len(leftIn(t, dir)) > 0 })
				assert.NoError(t, gone.Close())
				expectNoneLeft(t, dir)

				slow := halfOf(t, s, "/early") // which passes while the form is read
				slow.expect(t, "HTTP/1.1 503")
				assert.NoError(t, slow.Close())
				expectNoneLeft(t, dir)
				postForm(s, "/success", form+"after that").Expect(200)
				<-reads
			})
		})
	}
}

// client is a connection that a form is sent over by hand.
type client struct{ net.Conn }

func (c client) expect(t *testing.T, begin string) {
	t.Helper()
	assert.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	got := make([]byte, len(begin))
	_, err := io.ReadFull(c, got)
	assert.NoError(t, err)
	assert.Equal(t, string(got), begin)
}

// halfOf sends half a file.
func halfOf(t *testing.T, s *takotest.Server, target string) client {
	t.Helper()
	conn := s.Dial()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a.test\r\nContent-Type: %s\r\nContent-Length: 200000\r\n\r\n%s%s",
		target, formType, strings.TrimSuffix(formPart("name=file; filename=x", "", ""), "\r\n"), strings.Repeat("x", 100_000))
	assert.NoError(t, err)
	return client{conn}
}

func TestEX11ServerStop(t *testing.T) {
	dir := t.TempDir()
	for name, start := range map[string]func(app tako.App) tako.Server{
		"std": func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0", Log: quietLog()}) },
		"loop": func(app tako.App) tako.Server {
			return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Log: quietLog()})
		},
	} {
		for _, limits := range []extract.MultipartLimits{spilling(dir), spilling(dir).Named()} {
			t.Run(name, func(t *testing.T) { stopDuring(t, start, limits) })
			expectNoneLeft(t, dir)
		}
	}
}

// stopDuring stops a server while a handler has a file.
func stopDuring(t *testing.T, start func(tako.App) tako.Server, limits extract.MultipartLimits) {
	reads := make(chan string, 1)
	server := start(uploadApp(limits, reads, nil))
	assert.NoError(t, server.Listen(t.Context()))
	served := async(server.Serve)
	conn, err := net.Dial("tcp", server.Addr().String())
	assert.NoError(t, err)
	defer conn.Close()
	form := formOf(formPart("name=file; filename=x", "", strings.Repeat("x", 100_000)))
	_, err = fmt.Fprintf(conn, "POST /stop HTTP/1.1\r\nHost: a.test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", formType, len(form), form)
	assert.NoError(t, err)
	assert.Equal(t, <-reads, "begun")
	assert.Equal(t, len(leftIn(t, limits.Dir)) > 0, true, "while the handler runs")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _ = server.Shutdown(ctx)
	assert.Equal(t, <-reads, "100000 <nil>")
	<-served
	expectNoneLeft(t, limits.Dir)
}

func async(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func TestEX11KeptAndTakenOver(t *testing.T) {
	for _, kind := range []string{"memory", "nameless", "named"} {
		t.Run(kind, func(t *testing.T) {
			dir, own := t.TempDir(), t.TempDir()
			limits := extract.MultipartLimits{Dir: dir}
			if kind != "memory" {
				limits.SpillAt = 1
			}
			if kind == "named" {
				limits = limits.Named()
			}
			kept := filepath.Join(own, "kept")
			var lost, taken extract.File
			app := tako.New()
			tako.Supply(app, limits)
			tako.Post(app, "/keep", func(_ context.Context, in photoForm) (tako.NoContent, error) {
				f := in.Value.File
				assert.NoError(t, f.Keep(kept))
				assert.ErrorIs(t, f.Keep(kept), fs.ErrExist)
				assert.ErrorIs(t, f.Keep(filepath.Join(own, "none", "x")), fs.ErrNotExist)
				assert.Equal(t, contentsOf(t, f), []string{"x=content"})
				lost = f
				return tako.NoContent{}, nil
			})
			tako.Post(app, "/take", func(_ context.Context, in photoForm) (tako.NoContent, error) {
				taken = in.Value.File
				assert.NoError(t, taken.TakeOver())
				return tako.NoContent{}, taken.TakeOver()
			})
			s := takotest.New(t, app)
			form := formOf(formPart("name=file; filename=x", "", "content"))
			postForm(s, "/keep", form).Expect(204)
			expectNoneLeft(t, dir)
			data, err := os.ReadFile(kept)
			assert.NoError(t, err)
			assert.Equal(t, string(data), "content")
			if info, err := os.Stat(kept); runtime.GOOS != "windows" && (err != nil || info.Mode() != 0o600) {
				t.Errorf("got %v, %v, want mode 0600", info, err)
			}
			_, err = lost.Read(make([]byte, 1))
			assert.ErrorIs(t, err, fs.ErrClosed)
			assert.ErrorIs(t, lost.TakeOver(), fs.ErrClosed)
			assert.ErrorIs(t, lost.Keep(filepath.Join(own, "late")), fs.ErrClosed)
			assert.NoError(t, lost.Close())

			postForm(s, "/take", form).Expect(204)
			assert.Equal(t, len(leftIn(t, dir)) > 0, kind != "memory", "a file that was taken over")
			assert.Equal(t, contentsOf(t, taken), []string{"x=content"})
			assert.NoError(t, taken.Keep(filepath.Join(own, "later")))
			assert.NoError(t, taken.Close())
			expectNoneLeft(t, dir)
			assert.Equal(t, len(leftIn(t, own)), 2)
		})
	}
}

// Another file system is reached by copying.
func TestUploadKeptElsewhere(t *testing.T) {
	elsewhere, err := os.MkdirTemp("/dev/shm", "tako-*")
	if err != nil {
		t.Skip("there is no other file system to write to")
	}
	defer os.RemoveAll(elsewhere)
	app := tako.New()
	tako.Supply(app, spilling(t.TempDir()))
	tako.Post(app, "/", func(_ context.Context, in photoForm) (tako.NoContent, error) {
		return tako.NoContent{}, in.Value.File.Keep(filepath.Join(elsewhere, "kept"))
	})
	postForm(takotest.New(t, app), "/", formOf(formPart("name=file; filename=x", "", "content"))).Expect(204)
	data, err := os.ReadFile(filepath.Join(elsewhere, "kept"))
	assert.NoError(t, err)
	assert.Equal(t, string(data), "content")
}

func TestUploadStorageFails(t *testing.T) {
	app := tako.New()
	tako.Supply(app, spilling(filepath.Join(t.TempDir(), "none")))
	tako.Post(app, "/", func(context.Context, photoForm) (tako.NoContent, error) { return tako.NoContent{}, nil })
	e := postForm(takotest.New(t, app), "/", formOf(formPart("name=file; filename=x", "", "content"))).Problem(500)
	assert.Equal(t, e.Detail, "")
}

func TestFile(t *testing.T) {
	png := "\x89PNG\x0D\x0A\x1A\x0A" + strings.Repeat("x", 1000)
	f := extract.NewFile("a.png", "", strings.NewReader(png), int64(len(png)))
	assert.Equal(t, f.ContentType(), "application/octet-stream")
	detected, err := f.DetectContentType()
	assert.NoError(t, err)
	assert.Equal(t, detected, "image/png")
	end, err := f.Seek(-8, io.SeekEnd)
	assert.NoError(t, err)
	assert.Equal(t, end, f.Size()-8)
	rest, err := io.ReadAll(f)
	assert.NoError(t, err)
	assert.Equal(t, len(rest), 8)
	at, err := f.Seek(-1008, io.SeekCurrent)
	assert.NoError(t, err)
	assert.Equal(t, at, int64(0))
	_, err = f.Seek(-1, io.SeekStart)
	if err == nil {
		t.Error("seek before the beginning")
	}
	if _, err = f.Seek(0, 7); err == nil {
		t.Error("seek from nowhere")
	}
	if _, err = f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("read before the beginning")
	}
	n, err := f.ReadAt(make([]byte, 10), f.Size()-4)
	assert.Equal(t, n, 4)
	assert.ErrorIs(t, err, io.EOF)
	n, err = f.ReadAt(make([]byte, 4), f.Size()-4)
	assert.Equal(t, n, 4)
	assert.NoError(t, err)

	var none extract.File
	assert.Equal(t, fmt.Sprintf("%t %d %q %q", none.Present(), none.Size(), none.Name(), none.ContentType()), `false 0 "" ""`)
	_, err = none.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
	assert.ErrorIs(t, none.TakeOver(), fs.ErrNotExist)
	assert.ErrorIs(t, none.Keep("x"), fs.ErrNotExist)
	assert.NoError(t, none.Close())
}

// A cleaned name is harmless whatever the client sends.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"../../x", `C:\x`, "a\x00b", "con.txt", strings.Repeat("é", 200) + " .", "\xff\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		clean := extract.CleanFileName(name)
		if len(clean) > 255 || !utf8.ValidString(clean) || clean == "." || clean == ".." || strings.ContainsAny(clean, "/\\:\x00\r\n\"") ||
			clean != "" && filepath.Base(clean) != clean || extract.CleanFileName(clean) != clean {
			t.Errorf("%q becomes %q", name, clean)
		}
	})
}
