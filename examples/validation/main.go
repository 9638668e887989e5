// Command validation shows rules of inputs by tags: for values, lists and maps, nested;
// absent, null and a value told apart; one of several types; a format of one's own; and
// what only code can say. All that is wrong is told at once.
//
//	go run ./examples/validation
//	curl --json '{"email":"ada","lines":[{"item":"tea"}],"pay":{"by":"card","number":"1"}}' localhost:8080/orders
//	curl --json '{"email":"ada@example.org","lines":[{"item":"TE-1"}],"pay":{"by":"bill","days":14}}' localhost:8080/orders
//	curl -X PATCH --json '{"note":null}' localhost:8080/orders/1   # or {}, or a text
package main

import (
	"context"
	"errors"
	"log"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

type order struct {
	Email  string            `json:"email" required:"true" format:"email"`
	Lines  []line            `json:"lines" required:"true" minItems:"1" maxItems:"20"`
	Labels map[string]string `json:"labels" maxProperties:"3" keys.pattern:"^[a-z]+$" values.maxLength:"20"`
	Pay    tako.OneOf[payBy] `json:"pay" required:"true"`
	From   time.Time         `json:"from,omitzero"`
	Until  time.Time         `json:"until,omitzero"`
}

type line struct {
	Item  string `json:"item" required:"true" pattern:"^[A-Z]{2}-[0-9]+$"`
	Count int    `json:"count" minimum:"1" maximum:"99" default:"1"`
}

// payBy is one of these, as its member "by" says.
type payBy struct {
	_    struct{} `discriminator:"by"`
	Card *card    `variant:"card"`
	Bill *bill    `variant:"bill"`
}

type card struct {
	Number string `json:"number" required:"true" format:"luhn" secret:"true"` // never shown in an answer
}

type bill struct {
	Days int `json:"days" enum:"14,30" required:"true"`
}

// Validate looks at several members at once, when all of them are right by themselves.
func (o order) Validate(context.Context) error {
	if !o.Until.IsZero() && o.Until.Before(o.From) {
		return errors.New("until must not be before from")
	}
	return nil
}

// luhn is a format: the check digit of card numbers.
func luhn(s string) error {
	sum, even := 0, len(s)%2 == 0
	for i, r := range s {
		digit := int(r - '0')
		if (i%2 == 0) == even {
			digit = digit*2/10 + digit*2%10
		}
		sum += digit
	}
	if s == "" || strings.Trim(s, "0123456789") != "" || sum%10 != 0 {
		return errors.New("is not the number of a card")
	}
	return nil
}

type change struct {
	ID   int64 `path:"id" minimum:"1"`
	Body struct {
		Note tako.Opt[string] `json:"note,omitzero" maxLength:"200"`
	}
}

func edit(_ context.Context, in change) (map[string]any, error) {
	note, has := in.Body.Note.Get()
	return map[string]any{"leave": in.Body.Note.IsZero(), "remove": in.Body.Note.IsNull(), "set": has, "note": note}, nil
}

func app() *tako.Router {
	r := tako.New()
	r.Format("luhn", luhn)
	tako.Post(r, "/orders", func(context.Context, tako.JSON[order]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	tako.Patch(r, "/orders/{id}", edit)
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
