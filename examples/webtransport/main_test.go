package main

import (
	"encoding/base64"
	"html"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport"
)

// The page names the sessions and their certificate. What is said in one is tested elsewhere, by
// clients of others.
func TestPage(t *testing.T) {
	certs := transport.SelfSigned()
	all := servers("127.0.0.1:0", "127.0.0.1:0", "http://localhost:8080", certs)
	web := takotest.Run(t, all[0])
	takotest.Run(t, all[1])
	hash := certs.Fingerprint()
	text := html.UnescapeString(web.Get("/").Expect(200).Text)
	assert.Contains(t, text, `atob("`+base64.StdEncoding.EncodeToString(hash[:]))
	assert.Contains(t, text, `"https://" + "127.0.0.1:0" + "/echo"`)
}
