package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

// cursor marks the place where the next page of older messages begins. Clients
// take it as it is, so that its insides can change.
type cursor int64

// MarshalText and UnmarshalText make it a value of JSON and of a query.
func (c cursor) MarshalText() ([]byte, error) {
	return []byte("b" + strconv.FormatInt(int64(c), 36)), nil
}

func (c *cursor) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "b")
	n, err := strconv.ParseInt(digits, 36, 64)
	if err != nil || !ok || n < 1 {
		return errors.New("is no cursor of this service")
	}
	*c = cursor(n)
	return nil
}

// JSONSchema tells documents what UnmarshalText takes.
func (cursor) JSONSchema() string {
	return `{"type": "string", "pattern": "^b[1-9a-z][0-9a-z]{0,11}$"}`
}

type listMessages struct {
	byReef
	Since  *int64 `query:"since" minimum:"0" doc:"only messages after the one with this id, oldest first"`
	Cursor cursor `query:"cursor" doc:"the next of an earlier page: messages before those of that page; since counts before it"`
	Limit  int    `query:"limit" default:"20" minimum:"1" maximum:"100"`
}

// messagePage sends the address of the next page as a Link field as well
// (RFC 8288).
type messagePage struct {
	Link string `header:"Link" doc:"the next page, as rel=next"`
	Body messages
}

type messages struct {
	Items []reef.Message `json:"items" required:"true" nullable:"false" doc:"oldest first"`
	Next  cursor         `json:"next,omitempty" doc:"cursor of the page of older messages, if there are any"`
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
	ID int64 `path:"id" minimum:"1" doc:"id of a message" example:"1"`
}

type text struct {
	Text string `json:"text" required:"true" maxLength:"2000" pattern:"\\S" doc:"not only space" example:"hello"`
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

func (s *service) addMessages(api *tako.Router) {
	messages := api.Group("/reefs/{reef}/messages")
	messages.Describe(tako.Tags("messages"), throws(reef.ErrNoReef))
	tako.Get(messages, "", s.listMessages, tako.Name("listMessages"), tako.Summary("Messages, a page at a time"),
		tako.Describe("The newest page, one of older messages by cursor, or what is new by since."))
	tako.Post(messages, "", s.post, tako.Name("writeMessage"), tako.Summary("Write a message"),
		tako.Describe("All who watch the reef are sent it."))
	s.messageAt = tako.Get(messages, "/{id}", s.getMessage, tako.Name("getMessage"), tako.Summary("One message"),
		tako.Describe("A message as it is now."), throws(reef.ErrNoMessage))
	tako.Patch(messages, "/{id}", s.edit, tako.Name("editMessage"), tako.Summary("Correct a message of mine"),
		tako.Describe("Replaces the text; that it was edited is shown."), throws(reef.ErrNoMessage, reef.ErrNotYours))
	tako.Delete(messages, "/{id}", s.remove, tako.Name("deleteMessage"), tako.Summary("Delete a message of mine"),
		tako.Describe("Nothing of it is kept."), throws(reef.ErrNoMessage, reef.ErrNotYours))
}
