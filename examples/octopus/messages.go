package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

// cursor marks the place where the next page of older messages begins. Clients
// take it as it is, so that its insides can change.
type cursor int64

// MarshalText and UnmarshalText make it a value of JSON and of a query.
func (c cursor) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString([]byte("before:" + strconv.FormatInt(int64(c), 10)))), nil
}

func (c *cursor) UnmarshalText(text []byte) error {
	plain, err := base64.RawURLEncoding.DecodeString(string(text))
	digits, ok := strings.CutPrefix(string(plain), "before:")
	n, numErr := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || numErr != nil || n < 1 {
		return errors.New("is no cursor of this service")
	}
	*c = cursor(n)
	return nil
}

type listMessages struct {
	byReef
	Since  *int64 `query:"since" doc:"only messages after the one with this id, oldest first"`
	Cursor cursor `query:"cursor" doc:"the next of an earlier page"`
	Limit  int    `query:"limit" default:"20" doc:"1 to 100"`
}

// Validate checks what the types cannot say.
func (in listMessages) Validate(context.Context) error {
	switch {
	case in.Limit < 1 || in.Limit > 100:
		return errors.New("limit must be 1 to 100")
	case in.Since != nil && in.Cursor != 0:
		return errors.New("since and cursor exclude each other")
	}
	return nil
}

// messagePage sends the address of the next page as a Link field as well
// (RFC 8288).
type messagePage struct {
	Link string `header:"Link"`
	Body messages
}

type messages struct {
	Items []reef.Message `json:"items"`
	Next  cursor         `json:"next,omitempty"`
}

func (s *service) listMessages(_ context.Context, in listMessages) (page messagePage, err error) {
	if in.Since != nil {
		page.Body.Items, err = s.reefs.Since(in.Reef, *in.Since, in.Limit)
		return page, err
	}
	items, older, err := s.reefs.Before(in.Reef, int64(in.Cursor), in.Limit)
	if err != nil {
		return page, err
	}
	page.Body.Items = items
	if older {
		page.Body.Next = cursor(items[0].ID)
		text, _ := page.Body.Next.MarshalText()
		page.Link = fmt.Sprintf(`<?cursor=%s&limit=%d>; rel="next"`, text, in.Limit)
	}
	return page, nil
}

type byMessage struct {
	byReef
	ID int64 `path:"id" doc:"id of a message"`
}

type text struct {
	Text string `json:"text"`
}

// Validate checks the text of a message.
func (t text) Validate(context.Context) error {
	var faults faults
	faults.check(strings.TrimSpace(t.Text) != "", "/text", "must not be empty")
	faults.check(utf8.RuneCountInString(t.Text) <= 2000, "/text", "must have at most 2000 characters")
	return faults.err()
}

func (s *service) getMessage(_ context.Context, in byMessage) (reef.Message, error) {
	return s.reefs.Message(in.Reef, in.ID)
}

func (s *service) post(_ context.Context, in struct {
	byReef
	Me   principal
	Body text
}) (r tako.Created[reef.Message], err error) {
	if r.Body, err = s.reefs.Post(in.Reef, in.Me.Name, in.Body.Text); err != nil {
		return r, err
	}
	r.Location, err = s.messageAt.URL(byMessage{in.byReef, r.Body.ID})
	return r, err
}

func (s *service) edit(_ context.Context, in struct {
	byMessage
	Me   principal
	Body text
}) (reef.Message, error) {
	return s.reefs.Edit(in.Reef, in.ID, in.Me.Name, in.Body.Text)
}

func (s *service) remove(_ context.Context, in struct {
	byMessage
	Me principal
}) (tako.NoContent, error) {
	return tako.NoContent{}, s.reefs.Delete(in.Reef, in.ID, in.Me.Name)
}

func (s *service) addMessages(api, members *tako.Router) {
	tag := tako.Tags("messages")
	tako.Get(api, "/reefs/{reef}/messages", s.listMessages, tag, tako.Summary("Messages, a page at a time"))
	tako.Post(members, "/reefs/{reef}/messages", s.post, tag, tako.Summary("Write a message"))
	s.messageAt = tako.Get(api, "/reefs/{reef}/messages/{id}", s.getMessage, tag, tako.Summary("One message"))
	tako.Patch(members, "/reefs/{reef}/messages/{id}", s.edit, tag, tako.Summary("Correct a message of mine"))
	tako.Delete(members, "/reefs/{reef}/messages/{id}", s.remove, tag, tako.Summary("Delete a message of mine"))
}
