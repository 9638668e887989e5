package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/extract"
)

// stream is a file as a body of any type, and its name.
type stream struct {
	Me   principal
	Name string `query:"name" required:"true" minLength:"1" maxLength:"200" example:"shells.txt"`
	tracked
	Body extract.Stream
}

// receive streams a file to disk; nothing of it is kept in memory.
func (s *service) receive(_ context.Context, in stream) (r tako.Created[upload.File], err error) {
	if err := s.track(in.tracked); err != nil {
		return r, err
	}
	return s.share(in.Name, in.Me, in.Body)
}

// form is what a page sends.
type form struct {
	File extract.File `file:"file" required:"true" maxSize:"16MiB" doc:"a file of any type, and its name"`
}

func (s *service) receiveForm(_ context.Context, in struct {
	Me   principal
	Form extract.MultipartForm[form]
}) (tako.Created[upload.File], error) {
	file := in.Form.Value.File
	return s.share(cmp.Or(file.Name(), "nameless"), in.Me, file)
}

func (s *service) share(name string, me principal, from io.Reader) (r tako.Created[upload.File], err error) {
	if r.Body, err = s.uploads.Add(name, me.Name, from); err != nil {
		return r, err
	}
	r.Location, err = s.removeAt.URL(removeFile{byFile: byFile{r.Body.ID}})
	return r, err
}

type byFile struct {
	ID int64 `path:"id" minimum:"1" doc:"id of a file" example:"1"`
}

// download always sends an attachment, so that nothing that was uploaded is shown
// as a page of this site.
func (s *service) download(_ context.Context, in byFile) (tako.File, error) {
	f, path, err := s.uploads.Open(in.ID)
	if err != nil {
		return tako.File{}, err
	}
	body, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = upload.ErrNoFile // removed meanwhile
	}
	return tako.File{Name: f.Name, ContentType: "application/octet-stream", Download: true, Body: body}, err
}

func (s *service) listUploads(context.Context, struct{}) ([]upload.File, error) {
	return s.uploads.List(), nil
}

type removeFile struct {
	byFile
	Me principal
}

func (s *service) removeUpload(_ context.Context, in removeFile) (tako.NoContent, error) {
	return tako.NoContent{}, s.uploads.Remove(in.ID, in.Me.Name)
}

// mayBeEmpty documents that no body is an empty file.
func mayBeEmpty(op *tako.Operation) { op.BodyOptional = true }

func (s *service) addUploads(api *tako.Router) {
	tag := tako.Tags("uploads")
	tako.Get(api, "/uploads", s.listUploads, tag, tako.Name("listFiles"), tako.Summary("All files"),
		tako.Describe("The newest first."))
	// A large file may take its time to come.
	tako.Post(api, "/uploads", s.receive, tag, mayBeEmpty, tako.BodyLimit(maxUpload), tako.Timeout(0),
		tako.Name("shareFile"), tako.Summary("Share a file"), throws(upload.ErrFull),
		tako.Describe("The body is the file, of any type, of at most 16 MiB. It is stored as it comes. "+
			"Who names it by progress can watch how far it is."))
	tako.Post(api, "/upload-form", s.receiveForm, tag, tako.BodyLimit(maxUpload+maxJSON), tako.Timeout(0),
		tako.Name("shareForm"), tako.Summary("Share a file by a form"), throws(upload.ErrFull),
		tako.Describe("The same for pages, which send forms."))
	tako.Get(api, "/uploads/{id}", s.download, tag, tako.Name("getFile"), tako.Summary("Download a file"),
		tako.Describe("To be saved, never to be shown as a page."), throws(upload.ErrNoFile))
	s.removeAt = tako.Delete(api, "/uploads/{id}", s.removeUpload, tag, tako.Name("removeFile"),
		tako.Summary("Remove a file of mine"), tako.Describe("Downloads under way go on."),
		throws(upload.ErrNoFile, upload.ErrNotYours))
}
