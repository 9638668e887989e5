package main

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

const valid = `{"email":"ada@example.org","lines":[{"item":"TE-1"}],"pay":{"by":"bill","days":14}}`

func TestOrders(t *testing.T) {
	srv := takotest.New(t, app())
	tests := []struct{ name, old, new, want string }{
		{"as it is", "", "", ""},
		{"a card", `{"by":"bill","days":14}`, `{"by":"card","number":"4111111111111111"}`, ""},
		{"no card", `{"by":"bill","days":14}`, `{"by":"card","number":"4111111111111112"}`, "/pay/number format"},
		{"other days", "14", "15", "/pay/days enum"},
		{"other means", `"bill"`, `"shells"`, "/pay/by oneOf"},
		{"no email, wrong item", `"email":"ada@example.org","lines":[{"item":"TE-1"`, `"lines":[{"item":"tea"`, "/lines/0/item pattern, /email required"},
		{"too many", `"TE-1"`, `"TE-1","count":100`, "/lines/0/count maximum"},
		{"none", `{"item":"TE-1"}`, "", "/lines minItems"},
		{"labels", `"pay"`, `"labels":{"A":"b"},"pay"`, "/labels/A pattern"},
		{"backwards", `"pay"`, `"from":"2026-02-01T00:00:00Z","until":"2026-01-01T00:00:00Z","pay"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := srv.Post("/orders", takotest.Body("application/json", strings.Replace(valid, tt.old, tt.new, 1)))
			if tt.want == "" && tt.name != "backwards" {
				resp.Expect(204)
				return
			}
			problem := resp.Problem(422)
			var broken []string
			for _, f := range problem.Fields {
				broken = append(broken, f.Name+" "+f.Rule)
			}
			if got := strings.Join(broken, ", "); tt.want != "" && got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if strings.Contains(resp.Text, "4111") {
				t.Errorf("the number is shown: %s", resp.Text)
			}
		})
	}
}

func TestChanges(t *testing.T) {
	srv := takotest.New(t, app())
	for body, want := range map[string]string{
		`{}`:              `{"leave":true,"note":"","remove":false,"set":false}`,
		`{"note":null}`:   `{"leave":false,"note":"","remove":true,"set":false}`,
		`{"note":"rare"}`: `{"leave":false,"note":"rare","remove":false,"set":true}`,
	} {
		srv.Patch("/orders/1", takotest.Body("application/json", body)).Expect(200).ExpectText(want)
	}
	srv.Patch("/orders/0", takotest.Body("application/json", `{}`)).Problem(422)
	srv.Patch("/orders/1", takotest.JSON(map[string]string{"note": strings.Repeat("x", 201)})).Problem(422)
}
