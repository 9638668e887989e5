package main

import (
	"context"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/sse"
)

// newProgress forgets uploads soon: pages watch them while they go on.
func newProgress() *sse.Uploads {
	return sse.NewUploads(sse.UploadsConfig{Expiry: 20 * time.Second, Progress: tako.ProgressConfig{Interval: 50 * time.Millisecond}})
}

// tracked is an upload that may be watched.
type tracked struct {
	Context  *tako.Context
	Progress string `query:"progress" maxLength:"64" doc:"a random id of the client's own, by which the upload can be watched"`
}

func (s *service) track(in tracked) error {
	if in.Progress == "" {
		return nil
	}
	return s.progress.Track(in.Context, in.Progress)
}

func (s *service) watchUpload(_ context.Context, in struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"the id that the upload is given"`
}) (sse.Stream[sse.UploadProgress], error) {
	return s.progress.Stream(in.ID), nil
}

func (s *service) addProgress(live *tako.Router) {
	tako.Get(live, "/upload-progress/{id}", s.watchUpload, tako.Timeout(0), tako.Tags("uploads"), tako.Name("watchUpload"),
		tako.Summary("How far an upload is, as server-sent events"),
		tako.Describe("It may begin before the upload, and ends with it, or when that does not begin within 20 seconds."))
}
