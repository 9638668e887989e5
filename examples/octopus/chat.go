package main

import "github.com/tako-go/tako/examples/octopus/reef"

// said is a message that a client writes over a socket or session. It has the token with it, as a
// request has: guests may listen, and who signs out cannot write any more.
type said struct {
	Ref   int64  `json:"ref" required:"true" minimum:"1" doc:"a number of the client's own, for the answer"`
	Token string `json:"token" maxLength:"64" secret:"true"`
	Text  string `json:"text" required:"true" maxLength:"2000" pattern:"\\S"`
}

// maxSaid bounds a said in bytes; each character may be escaped.
const maxSaid = 32 << 10

// told is what clients are told there: what happens, as on the other streams; "joined", from where
// on nothing is missed; and what became of what they said, "written" or "refused".
type told struct {
	Type    string        `json:"type"`
	Message *reef.Message `json:"message,omitempty"`
	Ref     int64         `json:"ref,omitempty"`
	Status  int           `json:"status,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

// say writes a message, as the operation writeMessage does.
func (s *service) say(name string, in said) told {
	u, err := s.accounts.ByToken(in.Token)
	if err != nil {
		return told{Type: "refused", Ref: in.Ref, Status: 401, Detail: "sign in to write"}
	}
	m, err := s.reefs.Post(name, u.Name, in.Text)
	if err != nil {
		return refusal(in.Ref, err)
	}
	return told{Type: "written", Ref: in.Ref, Message: &m}
}

func refusal(ref int64, err error) told {
	problem := problemOf(err)
	t := told{Type: "refused", Ref: ref, Status: problem.Status, Detail: problem.Detail}
	for _, f := range problem.Fields {
		t.Detail += "; " + f.Name + " " + f.Detail
	}
	return t
}
