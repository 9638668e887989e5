package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// checkScenario makes sure that the server does the work that is measured.
func checkScenario(ctx context.Context, addr string, s scenario) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, p := range append([]probe{s.loaded}, s.checked...) {
		if err := p.check(ctx, client, addr); err != nil {
			return fmt.Errorf("%s %s: %w", p.verb(), p.target, err)
		}
	}
	return nil
}

func (p probe) verb() string {
	if p.method == "" {
		return http.MethodGet
	}
	return p.method
}

func (p probe) check(ctx context.Context, client *http.Client, addr string) error {
	req, err := http.NewRequestWithContext(ctx, p.verb(), "http://"+addr+p.target, strings.NewReader(p.body))
	if err != nil {
		return err
	}
	if p.body != "" {
		req.Header.Set("Content-Type", p.contentType())
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != p.status {
		return fmt.Errorf("got status %d, want %d: %.200s", resp.StatusCode, p.status, body)
	}
	return p.checkBody(body)
}

func (p probe) contentType() string {
	if strings.HasPrefix(p.body, "{") {
		return "application/json"
	}
	return "application/octet-stream"
}

func (p probe) checkBody(body []byte) error {
	switch {
	case p.text != "" && string(body) != p.text:
		return fmt.Errorf("got body %.200q, want %q", body, p.text)
	case p.bytes > 0 && len(body) != p.bytes:
		return fmt.Errorf("got %d bytes, want %d", len(body), p.bytes)
	case p.json != "" && !sameJSON(body, []byte(p.json)):
		return fmt.Errorf("got body %.200q, want %s", bytes.TrimSpace(body), p.json)
	}
	return nil
}

func sameJSON(got, want []byte) bool {
	var g, w any
	if json.Unmarshal(got, &g) != nil || json.Unmarshal(want, &w) != nil {
		return false
	}
	return reflect.DeepEqual(g, w)
}
