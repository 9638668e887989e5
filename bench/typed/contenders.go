package main

import "github.com/tako-go/tako/codec/simdjson"

// contender is one way to serve the request.
type contender struct {
	name string
	ask  func(s *users, r request) caller
}

// What the others are compared with.
const (
	reference = "net/http"
	inFull    = "net/http-full"
)

func contenders() []contender {
	return []contender{
		{"tako", func(s *users, r request) caller { return newHTTPCaller(takoTyped(s), r) }},
		{"tako-simd", func(s *users, r request) caller { return newHTTPCaller(takoTyped(s, simdjson.Codec{}), r) }},
		{"tako-std", func(s *users, r request) caller { return newHTTPCaller(takoTyped(s, stdCodec{}), r) }},
		{"tako-raw", func(s *users, r request) caller { return newHTTPCaller(takoRaw(s), r) }},
		{"tako-loop", func(s *users, r request) caller { return newExchangeCaller(takoTyped(s), r) }},
		{"tako-loop-simd", func(s *users, r request) caller { return newExchangeCaller(takoTyped(s, simdjson.Codec{}), r) }},
		{"tako-loop-std", func(s *users, r request) caller { return newExchangeCaller(takoTyped(s, stdCodec{}), r) }},
		{"tako-loop-raw", func(s *users, r request) caller { return newExchangeCaller(takoRaw(s), r) }},
		{reference, func(s *users, r request) caller { return newHTTPCaller(byHand(s), r) }},
		{inFull, func(s *users, r request) caller { return newHTTPCaller(byHandInFull(s), r) }},
		{"fiber", func(s *users, r request) caller { return newFiberCaller(fiberApp(s), r) }},
		{"echo", func(s *users, r request) caller { return newHTTPCaller(echoRouter(s), r) }},
		{"gin", func(s *users, r request) caller { return newHTTPCaller(ginRouter(s), r) }},
		{"chi", func(s *users, r request) caller { return newHTTPCaller(chiRouter(s), r) }},
		{"huma", func(s *users, r request) caller { return newHTTPCaller(humaRouter(s, true), r) }},
		{"huma-plain", func(s *users, r request) caller { return newHTTPCaller(humaRouter(s, false), r) }},
	}
}
