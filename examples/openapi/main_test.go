package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/takotest"
)

func TestDocument(t *testing.T) {
	srv := takotest.New(t, app())
	text := srv.Get("/docs/openapi.json").Expect(200).ExpectHeader("Content-Type", "application/json").Text
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]any
		}
		Components struct {
			Schemas map[string]struct {
				Required   []string
				Properties map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	add := doc.Paths["/reefs"]["post"]
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || add.OperationID != "addReef" || add.Responses["201"] == nil ||
		add.Responses["409"] == nil || doc.Paths["/tide"]["get"].OperationID != "tide" {
		t.Errorf("got %s", text)
	}
	of := doc.Components.Schemas["Reef"]
	if !slices.Equal(of.Required, []string{"name"}) || of.Properties["depth"]["description"] != "in metres" {
		t.Errorf("got %+v", of)
	}
	var printed bytes.Buffer
	if err := openapi.Write(&printed, app(), config(), openapi.JSON); err != nil || printed.String() != text {
		t.Errorf("what is printed differs from what is served; error %v", err)
	}
	if page := srv.Get("/docs").Expect(200); !strings.Contains(page.Text, "openapi.json") {
		t.Errorf("got %s", page.Text)
	}
	srv.Get("/docs/openapi.yaml").Expect(200)
}

const osprey7 = `{"id":7,"name":"Osprey","kind":"barrier","depth":40}`

// The service keeps to what it says.
func TestService(t *testing.T) {
	srv := takotest.New(t, app())
	srv.Get("/reefs?kind=atoll&kind=barrier").Expect(200)
	srv.Get("/reefs?kind=sandbank").Problem(422)
	srv.Get("/reefs/7").Expect(200)
	srv.Get("/reefs/9").Problem(404)
	srv.Post("/reefs", takotest.JSON(osprey)).Problem(409)
	added := srv.Post("/reefs", takotest.JSON(map[string]any{"name": "Bommie", "parts": []any{map[string]any{"name": "Top"}}})).Expect(201)
	if strings.Contains(added.Text, `"kind"`) {
		t.Errorf("a kind that nobody gave, and none of the enum: %s", added.Text)
	}
	srv.Get(added.Header.Get("Location")).Expect(200).ExpectText(added.Text)
	srv.Get("/reefs?kind=atoll").Expect(200).ExpectText("[]")
	srv.Get("/reefs?limit=1").Expect(200).ExpectText("[" + osprey7 + "]")
	srv.Get("/tide").Expect(200).ExpectText("high\n")
}
