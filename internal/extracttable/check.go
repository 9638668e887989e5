package extracttable

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// insides are words of the program that no client may see.
var insides = []string{"tako", "extract", "reflect", "strconv", "goroutine", "reef{"}

// wanted are fields that a status comes with.
var wanted = map[int]string{
	http.StatusUnauthorized:                 "WWW-Authenticate",
	http.StatusRequestedRangeNotSatisfiable: "Content-Range",
}

// Check says what is wrong with the answer to a request, nil if nothing is.
func (q Request) Check(status int, header http.Header, body string) error {
	if status != q.Status {
		return fmt.Errorf("got %d, want %d: %s", status, q.Status, body)
	}
	if status == http.StatusOK {
		return q.checkShown(body)
	}
	if got := header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("the failure is of type %q: %s", got, body)
	}
	var problem struct{ Detail string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		return err
	}
	if !strings.Contains(problem.Detail, q.Contains) {
		return fmt.Errorf("got detail %q, want it to contain %q", problem.Detail, q.Contains)
	}
	for _, word := range insides {
		if strings.Contains(body, word) {
			return fmt.Errorf("the answer tells %q of the program: %s", word, body)
		}
	}
	if name := wanted[status]; name != "" && header.Get(name) == "" {
		return fmt.Errorf("%d without %s", status, name)
	}
	ofPart := strings.Contains(body, `"rule":"accept"`)
	if status == http.StatusUnsupportedMediaType && !ofPart && header.Get("Accept")+header.Get("Accept-Patch")+header.Get("Accept-Encoding") == "" {
		return errors.New("415 says neither which types nor which codings would do")
	}
	return nil
}

func (q Request) checkShown(body string) error {
	var got Shown
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if got != q.Shown {
		return fmt.Errorf("got %+v, want %+v", got, q.Shown)
	}
	return nil
}
