package main

import "bytes"

// demo is what the service begins with: an author, a reef and a text a line.
var demo = []struct{ author, reef, text string }{
	{"octavia", "lagoon", "Welcome! Everything here lives in memory; close the reef and it is gone."},
	{"nautilus", "lagoon", "I came for the calm water and stayed for the typed handlers."},
	{"octavia", "lagoon", "Open this page in a second window, choose another transport at the top, and write something."},
	{"cuttle", "lagoon", "Camouflage tip: a 404 on a route you may not see."},
	{"nautilus", "drop-off", "Deep here. Try: curl -N localhost:8080/api/v1/reefs/drop-off/live"},
	{"cuttle", "drop-off", "Ctrl-C in the server's terminal, and watch the stream say bye."},
	{"octavia", "kelp", "Files go to the left, under the reefs. Press tide.wav, and jump to its middle."},
}

var topics = []struct{ name, topic string }{
	{"lagoon", "calm water, for first words"},
	{"drop-off", "streams and other depths"},
	{"kelp", "things to share"},
}

// fill makes users who cannot sign in, reefs, messages and a sound.
func (s *service) fill() error {
	for _, t := range topics {
		if _, err := s.reefs.Create(t.name, t.topic, demo[0].author); err != nil {
			return err
		}
	}
	for _, d := range demo {
		if _, err := s.accounts.Get(d.author); err != nil {
			if _, err := s.accounts.SignUp(d.author, ""); err != nil {
				return err
			}
		}
		if _, err := s.reefs.Post(d.reef, d.author, d.text); err != nil {
			return err
		}
	}
	_, err := s.uploads.Add("tide.wav", demo[0].author, bytes.NewReader(tide(30)))
	return err
}
