package static

import (
	"path"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/coding"
)

// siblings are the codings of files beside a file, as the server likes them.
var siblings = []struct{ coding, ext string }{
	{coding.Brotli, ".br"}, {coding.Zstd, ".zst"}, {coding.Gzip, ".gz"},
}

// send answers with the regular file f of this name, or a sibling of it. f stays open.
func (s *site) send(c *tako.Context, name string, f *file) error {
	h := c.Header()
	kind := s.cfg.typeOf(name)
	stored, suffix := name, ""
	if s.cfg.Precompressed {
		h.AddVary("Accept-Encoding")
		if sibling, name, coded := s.sibling(c, name, f); sibling != nil {
			defer sibling.Close()
			f, stored, suffix = sibling, name, "-"+coded
			h.Set("Content-Encoding", coded)
		}
	}
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	if s.cfg.Cache != nil {
		if control := s.cfg.Cache(name); control != "" {
			h.Set("Cache-Control", control)
		}
	}
	s.disarm(c, name, kind)
	r := f.content()
	if r == nil {
		return s.stream(c, kind, f)
	}
	tag, err := s.tags.of(stored, suffix, f)
	if err != nil {
		return err
	}
	return c.ServeContent(tako.Validators{ETag: tag, LastModified: f.time()}, f.size, r)
}

// stream sends a file that can only be read from its beginning, as those of archives.
func (s *site) stream(c *tako.Context, kind string, f *file) error {
	return tako.File{ContentType: kind, Body: f.stream(), Validators: tako.Validators{LastModified: f.time()}}.Respond(c)
}

// disarm tells the client what not to do with the file.
func (s *site) disarm(c *tako.Context, name, kind string) {
	as := ""
	if s.cfg.Download != nil {
		as = s.cfg.Download(name)
	}
	if s.cfg.Untrusted {
		c.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'")
		if as == "" && !inert(kind) {
			as = path.Base(name)
		}
	}
	if as != "" {
		c.Header().Set("Content-Disposition", tako.ContentDisposition(as))
	}
}

// sibling opens the coded file that the client likes best among those that are fit:
// regular, readable, and not older than the original. It is nil if that is better.
func (s *site) sibling(c *tako.Context, name string, original *file) (f *file, stored, coded string) {
	accept := c.RequestHeaderValues("Accept-Encoding")
	if len(accept) == 0 {
		return nil, "", ""
	}
	left := make([]string, 0, len(siblings))
	for _, s := range siblings {
		left = append(left, s.coding)
	}
	for len(left) > 0 {
		coded, _ = coding.Negotiate(accept, left)
		if coded == coding.Identity {
			break
		}
		stored = name + extension(coded)
		f, err := s.tree.open(stored)
		if err == nil && f.regular && f.modified >= original.modified && f.content() != nil {
			return f, stored, coded
		}
		if err == nil {
			_ = f.Close()
		}
		kept := left[:0]
		for _, l := range left {
			if l != coded {
				kept = append(kept, l)
			}
		}
		left = kept
	}
	return nil, "", ""
}

func extension(coded string) string {
	for _, s := range siblings {
		if s.coding == coded {
			return s.ext
		}
	}
	return ""
}
