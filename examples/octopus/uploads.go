package main

import (
	"context"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/upload"
)

// receive streams a body of any type to disk; nothing of it is kept in memory.
func (s *service) receive(c *tako.Context) error {
	me, err := tako.Provided[principal](c)
	if err != nil {
		return err
	}
	name := c.Query("name")
	if name == "" || len(name) > 200 || !utf8.ValidString(name) {
		return tako.BadRequest("give the file a name of at most 200 bytes: ?name=shells.txt")
	}
	f, err := s.uploads.Add(name, me.Name, c.Body())
	if err != nil {
		return err
	}
	c.Header().Set("Location", c.Path()+"/"+strconv.FormatInt(f.ID, 10))
	return c.JSON(http.StatusCreated, f)
}

type byFile struct {
	ID int64 `path:"id" doc:"id of a file"`
}

// download always sends an attachment, so that nothing that was uploaded is shown
// as a page of this site.
func (s *service) download(c *tako.Context) error {
	in, err := tako.Extract[tako.Path[int64]](c)
	if err != nil {
		return err
	}
	f, path, err := s.uploads.Open(in.Value)
	if err != nil {
		return err
	}
	c.Header().Set("Content-Type", "application/octet-stream")
	return c.Attachment(path, f.Name)
}

func (s *service) listUploads(context.Context, struct{}) ([]upload.File, error) {
	return s.uploads.List(), nil
}

func (s *service) removeUpload(_ context.Context, in struct {
	byFile
	Me principal
}) (tako.NoContent, error) {
	return tako.NoContent{}, s.uploads.Remove(in.ID, in.Me.Name)
}

func (s *service) addUploads(api, members *tako.Router) {
	tag := tako.Tags("uploads")
	tako.Get(api, "/uploads", s.listUploads, tag, tako.Summary("All files"))
	// A large file may take its time to come.
	members.Post("/uploads", s.receive, tag, tako.Summary("Share a file"), tako.BodyLimit(maxUpload), tako.Timeout(0))
	api.Get("/uploads/{id}", s.download, tag, tako.Summary("Download a file"))
	tako.Delete(members, "/uploads/{id}", s.removeUpload, tag, tako.Summary("Remove a file of mine"))
}
