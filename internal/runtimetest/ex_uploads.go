package runtimetest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func uploadCases() []testCase {
	kept := planted("taken-over")
	all := []testCase{
		{id: "EX-10/names", run: fileNames, faults: []fault{bodies("not-cleaned", `name="passwd"`, `name="/etc/passwd"`), bodies("NUL-kept", `name="ab.png"`, `name="a b.png"`)}},
		{id: "EX-10/never-a-path", run: namesAreNoPaths, faults: []fault{planted("written-there"), replies("unreadable", "read=12", "read=0")}},
		{id: "EX-10/kept-for-this-user", run: keptFile, faults: []fault{planted("for-all"), planted("not-kept")}},
		{id: "EX-11/half-way", run: uploadHalfWay, faults: []fault{planted("taken-over")}},
		{id: "EX-11/taken-over", run: takenOver, faults: []fault{planted("left")}},
	}
	for name, end := range uploadEnds {
		all = append(all, testCase{id: "EX-11/" + name, run: uploadEnded(end), faults: []fault{kept}})
	}
	return all
}

// folder is a new folder, removed in the end.
func (x *T) folder() string {
	x.Helper()
	dir, err := os.MkdirTemp("", "tako-upload")
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// uploadsIn counts files below a folder, and descriptors of such files where the system
// lists these: a file may be there without a name.
func uploadsIn(dir string) int {
	n := 0
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return nil
	})
	open, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range open {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir+"/") {
			n++
		}
	}
	return n
}

type fileForm struct {
	File extract.File `file:"file"`
}

// givenNames are what clients call a file, with what it is called in the program.
var givenNames = map[string]string{
	`filename="../../etc/passwd"`: "passwd", `filename="/etc/passwd"`: "passwd", `filename="C:\\dir\\a.png"`: "a.png", `filename="..\\..\\a.png"`: "a.png",
	`filename=".."`: "", `filename="."`: "", `filename="a/.."`: "", `filename=""`: "", `filename="/"`: "",
	`filename*=UTF-8''a%00b.png`: "ab.png", `filename*=UTF-8''..%2F..%2Fa.png`: "a.png", `filename*=UTF-8''a%0D%0Ab`: "ab",
	`filename="con.png"`: "_con.png", `filename="a:b|c.png"`: "a_b_c.png", "filename=\"na\xffme\"": "na_me", `filename="` + strings.Repeat("x", 5000) + `.png"`: strings.Repeat("x", 250) + ".png",
}

func fileNames(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/parts", func(c *tako.Context) error {
			form, err := tako.Extract[extract.Multipart](c)
			if err != nil {
				return err
			}
			part, err := form.Next()
			if err != nil {
				return err
			}
			return c.Text(200, `name="`+part.FileName()+`"`)
		})
		app.Post("/struct", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[fileForm]](c)
			if err != nil {
				return err
			}
			return c.Text(200, `name="`+form.Value.File.Name()+`"`)
		})
	})
	for given, want := range givenNames {
		for _, path := range formPaths {
			r := s.ask(postMultipart(path, filePart("name=file; "+given, "some content")+"--xx--\r\n"), 200)
			if r.body != `name="`+want+`"` {
				x.Errorf("%s, %.60q: got %.60q, want %.60q", path, given, r.body, want)
			}
		}
	}
}

// namesAreNoPaths looks that nothing is created but below the folder for uploads, and nothing
// there by a name that the client gave.
func namesAreNoPaths(x *T) {
	outer := x.folder()
	dir := filepath.Join(outer, "a", "b")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		x.Fatal(err)
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, extract.MultipartLimits{SpillAt: 1, Dir: dir})
		app.Post("/", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[fileForm]](c)
			if err != nil {
				return err
			}
			file := form.Value.File
			if x.planted("written-there") {
				_ = os.WriteFile(filepath.Join(dir, file.UnsafeName()), nil, 0o600)
			}
			x.onlyRandomNames(outer, dir)
			content, err := io.ReadAll(file)
			if err != nil {
				return err
			}
			return c.Text(200, "read="+itoa(len(content))+"\n")
		})
	})
	for _, name := range []string{"../../intruder", "../intruder", "intruder", filepath.Join(outer, "intruder")} {
		r := s.ask(postMultipart("/", filePart(`name=file; filename="`+name+`"`, "some content")+"--xx--\r\n"), 200)
		if r.line("read") != "12" {
			x.Errorf("%s: the handler read %s bytes", name, r.line("read"))
		}
	}
}

// onlyRandomNames looks at all files below outer.
func (x *T) onlyRandomNames(outer, dir string) {
	_ = filepath.WalkDir(outer, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		switch {
		case filepath.Dir(path) != dir || strings.Contains(path, "intruder"):
			x.Errorf("an upload is at %s", strings.TrimPrefix(path, outer))
		case err == nil && info.Mode().Perm() != 0o600 && runtime.GOOS != "windows":
			x.Errorf("an upload has mode %v", info.Mode())
		}
		return nil
	})
}

// keptFile puts an upload where the program wants it, for this user alone.
func keptFile(x *T) {
	dir := x.folder()
	at := filepath.Join(dir, "kept")
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, extract.MultipartLimits{SpillAt: 1, Dir: dir})
		app.Post("/", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[fileForm]](c)
			if err != nil {
				return err
			}
			if x.planted("not-kept") {
				return c.NoContent()
			}
			if err := form.Value.File.Keep(at); err != nil {
				return err
			}
			if err := form.Value.File.Keep(at); !errors.Is(err, fs.ErrExist) {
				x.Errorf("a file is kept in the place of another: %v", err)
			}
			return c.NoContent()
		})
	})
	s.ask(postMultipart("/", filePart(`name=file; filename="a"`, "some content")+"--xx--\r\n"), 204)
	if x.planted("for-all") {
		_ = os.Chmod(at, 0o644)
	}
	content, err := os.ReadFile(at)
	if err != nil || string(content) != "some content" {
		x.Fatalf("got %q and %v", content, err)
	}
	if info, err := os.Stat(at); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		x.Errorf("got mode %v and %v, want 0600", info.Mode(), err)
	}
	x.until("the kept file is the only one", func() bool { return uploadsIn(dir) == 1 })
}

// An uploadEnd is one way in which a request with a file ends.
type uploadEnd struct {
	status  int // that the client gets, 0 if it gets none
	handler func(c *tako.Context, stop <-chan struct{}) error
	client  func(s *server, c *client) // once the handler has the file
	frayed  bool
}

// untilCancelled waits for the end of the request.
func untilCancelled(c *tako.Context, stop <-chan struct{}) error {
	select {
	case <-c.Context().Done():
	case <-stop:
	}
	return c.Context().Err()
}

var uploadEnds = map[string]uploadEnd{
	"success": {status: 204, handler: func(c *tako.Context, _ <-chan struct{}) error { return c.NoContent() }},
	"error":   {status: 409, handler: func(*tako.Context, <-chan struct{}) error { return tako.Errorf(409, "no") }},
	"panic":   {status: 500, handler: func(*tako.Context, <-chan struct{}) error { panic("planned") }},
	"abort":   {handler: untilCancelled, client: func(_ *server, c *client) { _ = c.Close() }, frayed: true},
	"timeout": {status: 503, handler: untilCancelled},
	"stop":    {handler: untilCancelled, client: func(s *server, _ *client) { _, _ = s.shutdown(short) }, frayed: true},
}

// uploadEnded lets the handler read a file that is on disk, ends the request, and demands
// that nothing of the file is left.
func uploadEnded(end uploadEnd) func(x *T) {
	return func(x *T) {
		dir := x.folder()
		got := make(chan extract.File, 1)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			tako.Supply(app, extract.MultipartLimits{SpillAt: 1, Dir: dir})
			upload := func(c *tako.Context) error {
				form, err := tako.Extract[extract.MultipartForm[fileForm]](c)
				if err != nil {
					return err
				}
				x.hold(form.Value.File, dir, "some content")
				got <- form.Value.File
				return end.handler(c, x.Context().Done())
			}
			if end.status == 503 {
				app.Post("/", upload, tako.Timeout(short))
			} else {
				app.Post("/", upload)
			}
		})
		s.frayed = end.frayed
		c := s.dial()
		c.send(postMultipart("/", filePart(`name=file; filename="a"`, "some content")+"--xx--\r\n"))
		file := waitFor(x, "the handler", got)
		if end.client != nil {
			end.client(s, c)
		}
		if end.status != 0 {
			c.expect(end.status)
		}
		x.until("the file is gone", func() bool { return uploadsIn(dir) == 0 })
		if _, err := file.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
			x.Errorf("the file can be read after the request: %v", err)
		}
	}
}

// uploadHalfWay has forms fail behind a file that is on disk already.
func uploadHalfWay(x *T) {
	dir := x.folder()
	ended := make(chan error, 1)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, extract.MultipartLimits{SpillAt: 1, Dir: dir})
		app.Post("/", func(c *tako.Context) error {
			_, err := tako.Extract[extract.MultipartForm[filesForm]](c)
			if x.planted("taken-over") {
				_ = os.WriteFile(filepath.Join(dir, "left"), nil, 0o600)
			}
			ended <- err
			return err
		})
	})
	s.frayed = true
	begin := filePart("name=file; filename=a", strings.Repeat("a", 100_000)) + "--xx\r\nContent-Disposition: form-data; name=file; filename=b\r\n"
	for name, rest := range map[string]string{"malformed": "nonsense\r\n\r\n", "left": "\r\n" + strings.Repeat("b", 100_000)} {
		c := s.dial()
		c.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + asMultipart + "\r\nContent-Length: 1000000\r\n\r\n" + begin + rest)
		if name == "malformed" {
			c.expect(400)
		} else {
			x.until("the files are on disk", func() bool { return uploadsIn(dir) >= 2 })
		}
		_ = c.Close()
		if err := waitFor(x, "the form to end", ended); err == nil {
			x.Errorf("%s: the handler took the half of a form for the whole", name)
		}
		x.until("the files are gone", func() bool { return uploadsIn(dir) == 0 })
	}
}

// hold looks at a file as the handler has it.
func (x *T) hold(file extract.File, dir, want string) {
	content, err := io.ReadAll(file)
	if err != nil || string(content) != want {
		x.Errorf("the handler reads %q and %v", content, err)
	}
	if uploadsIn(dir) == 0 && runtime.GOOS == "linux" {
		x.Error("the file is not on disk")
	}
	if x.planted("taken-over") {
		_ = file.TakeOver()
		x.Cleanup(func() { _ = file.Close() })
	}
}

// takenOver has a file outlive its request, as the program has asked for.
func takenOver(x *T) {
	dir := x.folder()
	var mu sync.Mutex
	var file extract.File
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, extract.MultipartLimits{SpillAt: 1, Dir: dir})
		app.Post("/", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[fileForm]](c)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if file = form.Value.File; !x.planted("left") {
				err = file.TakeOver()
			}
			return errors.Join(err, c.NoContent())
		})
	})
	s.ask(postMultipart("/", filePart(`name=file; filename="a"`, "some content")+"--xx--\r\n"), 204)
	_, _ = s.shutdown(x.patience) // all requests have ended then
	mu.Lock()
	defer mu.Unlock()
	if content, err := io.ReadAll(file); err != nil || string(content) != "some content" {
		x.Errorf("got %q and %v of a file that was taken over", content, err)
	}
	if err := file.Close(); err != nil || uploadsIn(dir) != 0 {
		x.Errorf("close of a file that was taken over: %v, %d are left", err, uploadsIn(dir))
	}
}

func partTypeCases() []testCase {
	unbounded := limited("limit-off", func(l *tako.Limits) { l.BodyTimeout, l.MinBodyRate = tako.NoLimit, tako.NoLimit })
	return []testCase{
		{id: "EX-12/types", run: partTypes, faults: []fault{turned("415"), replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 415 ")}},
		{id: "EX-12/drip", long: true, run: drippedPart(tako.Limits{}, extract.MultipartLimits{}), faults: []fault{unbounded}},
		{id: "EX-12/drip-timed", run: drippedPart(tako.Limits{MinBodyRate: tako.NoLimit}, extract.MultipartLimits{PartTimeout: 2 * short}), faults: []fault{planted("limits-off")}},
	}
}

type pngForm struct {
	File extract.File `file:"file" accept:"image/png"`
}

// partTypes go by the media type, whatever parameters it has.
func partTypes(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, extract.MultipartLimits{Accept: []string{"image/png"}})
		formRoutes(app)
		app.Post("/tagged", func(c *tako.Context) error {
			form, err := tako.Extract[extract.MultipartForm[pngForm]](c)
			if err != nil {
				return err
			}
			return c.Text(200, "size="+itoa(int(form.Value.File.Size())))
		})
	})
	for given, status := range map[string]int{"image/png": 200, "image/png; a=b": 200, "image/png;a=b": 200, "IMAGE/PNG": 200,
		"image/pngx": 415, "ximage/png": 415, "image/*": 415, "image": 415, "text/plain": 415, "text/html, image/png": 415, "": 415} {
		header := []string{"Content-Type: " + given}
		if given == "" {
			header = nil
		}
		for _, path := range []string{"/parts", "/struct", "/tagged"} {
			c := s.dial()
			c.send(postMultipart(path, filePart("name=file; filename=a", "abc", header...)+"--xx--\r\n"))
			if r := c.read("POST"); r.status != status || status == 415 && !contains(r.body, `"name":"file"`) {
				x.Errorf("%s, %q: got status %d with %s, want %d", path, given, r.status, r.body, status)
			}
			_ = c.Close()
		}
	}
}

// drippedPart sends a part byte by byte. The least rate of a server counts after a grace of
// five seconds.
func drippedPart(limits tako.Limits, form extract.MultipartLimits) func(x *T) {
	return func(x *T) {
		if x.planted("limits-off") {
			form = extract.MultipartLimits{}
		}
		ended := make(chan error, 1)
		s := x.serve(limits, func(app *tako.Router) {
			tako.Supply(app, form)
			app.Post("/", func(c *tako.Context) error {
				_, err := tako.Extract[extract.MultipartForm[filesForm]](c)
				ended <- err
				return err
			})
		})
		s.frayed = true
		c := s.dial()
		c.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + asMultipart + "\r\nContent-Length: 100000\r\n\r\n--xx\r\nContent-Disposition: form-data; name=text\r\n\r\n")
		stop := make(chan struct{})
		defer close(stop)
		every := time.Second
		if form.PartTimeout > 0 {
			every = short / 10
		}
		go c.drip(strings.Repeat("x", 10000), every, stop)
		select {
		case err := <-ended:
			if err == nil {
				x.Error("the handler took the half of a form for the whole")
			}
		case <-time.After(x.patience + 6*time.Second):
			x.Fatal("a part that drips goes on")
		}
		if r, err := c.tryRead("POST"); err == nil && r.status != 408 && r.status != 400 {
			x.Errorf("got status %d, want 408 or the connection closed", r.status)
		}
	}
}
