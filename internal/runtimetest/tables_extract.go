package runtimetest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/extracttable"
)

// extractorCases walk the table of extractors: each row in all its forms, what it reads
// and every way in which it can fail.
func extractorCases() []testCase {
	var all []testCase
	for i, row := range extracttable.Rows() {
		tc := testCase{id: "EX-17/extractor-" + rowName(row.Name)}
		if row.Elsewhere != "" {
			tc.skip = "its failures are provoked by the tests of " + row.Elsewhere
		} else {
			tc.run = func(x *T) { walkRow(x, i) }
			tc.faults = rowFaults(row)
		}
		all = append(all, tc)
	}
	return all
}

// rowName is the name of a row as a part of an id.
func rowName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	}), "-")
}

// rowFaults lose what was read, hide each status that the row can fail with, and leave out
// what was wrong.
func rowFaults(row extracttable.Row) []fault {
	var all []fault
	var seen []int
	shown, detailed := false, false
	for _, q := range row.Requests() {
		if q.Memory != nil || q.Status == 200 {
			shown = shown || q.Memory == nil && q.Shown.Present
			continue
		}
		if !slices.Contains(seen, q.Status) {
			seen = append(seen, q.Status)
			all = append(all, turned(itoa(q.Status)))
		}
		detailed = detailed || q.Contains != ""
	}
	if shown {
		all = append(all, replies("value-lost", `"present":true`, `"present":null`))
	}
	if detailed {
		all = append(all, replies("detail-lost", `"detail":"`, `"detial":"`))
	}
	return all
}

// walkRow sends all requests of one row over as few connections as will do.
func walkRow(x *T, row int) {
	trusted := x.peerIP()
	if x.carrier() == Unix {
		trusted = "unix"
	}
	s := x.serveWith(setup{app: func(*tako.Router) tako.App {
		app := extracttable.App(trusted)
		app.Get(alivePath, func(c *tako.Context) error { return c.Text(200, "alive") })
		return app
	}, limits: tako.Limits{TargetBytes: 64 << 10, HeaderBytes: 128 << 10, HeaderFields: 400}}, nil)
	requests := extracttable.Rows()[row].Requests()
	if len(requests) == 0 {
		x.Fatal("the row has no requests")
	}
	var c *client
	for _, q := range requests {
		if q.Memory != nil {
			continue
		}
		if c == nil {
			c = s.dial()
		}
		c.send(tableRequest(q))
		r, err := c.tryRead(q.Method)
		if err != nil {
			x.Fatalf("%s: %v", q.Name, err)
		}
		if err := q.Check(r.status, r.header(), r.body); err != nil {
			x.Errorf("%s: %v", q.Name, err)
		}
		if r.closes() || r.status >= 400 && q.Body != "" {
			_ = c.Close()
			c = nil
		}
	}
}

// tableRequest is a request of the table as text.
func tableRequest(q extracttable.Request) string {
	var b strings.Builder
	b.WriteString(q.Method + " " + q.Target + " HTTP/1.1\r\n")
	if !slices.ContainsFunc(q.Fields, func(line string) bool { return strings.HasPrefix(line, "Host:") }) {
		b.WriteString("Host: a.example\r\n")
	}
	for _, line := range q.Fields {
		b.WriteString(line + "\r\n")
	}
	if q.Body != "" || q.Method == "POST" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(q.Body)) + "\r\n")
	}
	return b.String() + "\r\n" + q.Body
}

// header is the fields of a response as handlers see them.
func (r *response) header() http.Header {
	h := http.Header{}
	for _, f := range r.fields {
		h.Add(f.name, f.value)
	}
	return h
}
