package openapi

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// record is all that is known of an operation: its own record, and those around it.
type record struct {
	op           *tako.Operation
	all          []*tako.Operation // the records, outside in, op last
	inputs       []tako.Param
	body         reflect.Type
	bodyMedia    []string
	bodyOptional bool
	media        []string
	bodyLimit    int64
	timeout      time.Duration
	called       bool // a callback or webhook, which somebody else serves
}

// listedRecord merges a route with what is around it. The nearer record wins.
func listedRecord(l tako.Listed) *record {
	r := &record{op: l.Operation, all: append(slices.Clone(l.Around), l.Operation),
		media: l.Media, bodyLimit: l.BodyLimit, timeout: l.Timeout}
	r.merge()
	return r
}

// calledRecord is that of a callback or webhook.
func calledRecord(op *tako.Operation) *record {
	r := &record{op: op, all: []*tako.Operation{op}, media: []string{"application/json"}, bodyLimit: tako.NoLimit, called: true}
	r.merge()
	return r
}

func (r *record) merge() {
	for _, op := range slices.Backward(r.all) {
		for _, p := range op.Inputs {
			if !slices.ContainsFunc(r.inputs, func(have tako.Param) bool { return sameParam(have, p) }) {
				r.inputs = append(r.inputs, p)
			}
		}
		if r.body == nil && r.bodyMedia == nil {
			r.body, r.bodyMedia, r.bodyOptional = op.Body, op.BodyMedia, op.BodyOptional
		}
	}
}

func sameParam(a, b tako.Param) bool {
	return a.In == b.In && (a.Name == b.Name || a.In == "header" && strings.EqualFold(a.Name, b.Name))
}

func (r *record) hasBody() bool { return r.body != nil || r.bodyMedia != nil }

// hidden reports whether the route or a group around it is.
func (r *record) hidden() bool {
	return slices.ContainsFunc(r.all, func(op *tako.Operation) bool { return op.Hidden })
}

func (r *record) deprecated() bool {
	return slices.ContainsFunc(r.all, func(op *tako.Operation) bool { return op.Deprecated })
}

func (r *record) tags() []string {
	var list []string
	for _, op := range r.all {
		for _, tag := range op.Tags {
			if !slices.Contains(list, tag) {
				list = append(list, tag)
			}
		}
	}
	return list
}

// responses lists what is answered on purpose; the nearer record wins a status.
func (r *record) responses() []tako.Response {
	var list []tako.Response
	for _, op := range slices.Backward(r.all) {
		for _, resp := range op.Responses {
			if !slices.ContainsFunc(list, func(have tako.Response) bool { return have.Status == resp.Status }) {
				list = append(list, resp)
			}
		}
	}
	for _, resp := range r.switches() {
		if !slices.ContainsFunc(list, func(have tako.Response) bool { return have.Status == resp.Status }) {
			list = append(list, resp)
		}
	}
	return list
}

// examples lists those of an answer; of the request for status 0.
func (r *record) examples(status int) []any {
	var list []any
	for _, op := range r.all {
		for _, e := range op.Examples() {
			if status == 0 && len(e.Statuses) == 0 || slices.Contains(e.Statuses, status) {
				list = append(list, e.Value)
			}
		}
	}
	return list
}
