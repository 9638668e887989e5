package tako_test

import (
	"fmt"
	"go/ast"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

const messagesPage = "docs/features/messages.md"

// TestMessages keeps the page of messages: what Build reports, and what requests are
// refused with. UPDATE_TABLE=1 writes it.
func TestMessages(t *testing.T) {
	t.Parallel()
	found := readMessages(t)
	want := found.page()
	if os.Getenv("UPDATE_TABLE") != "" {
		assert.NoError(t, os.WriteFile(messagesPage, []byte(want), 0o644))
	}
	got, err := os.ReadFile(messagesPage)
	assert.NoError(t, err)
	if string(got) != want {
		t.Errorf("%s is not what the code says; UPDATE_TABLE=1 go test -run TestMessages . writes it", messagesPage)
	}
}

// message is one text of the code. Its status is 0 for a registration mistake.
type message struct {
	status int
	text   string
	file   string
}

type messages struct {
	statuses map[string]int // of the constants of net/http
	mistakes []message
	refusals []message
}

// silent are folders whose messages no user of the module sees.
var silent = []string{"bench", "cmd", "conformance", "docs", "examples", "internal/assert", "internal/runtimetest", "internal/soak", "internal/extracttable", "takotest"}

func readMessages(t *testing.T) *messages {
	m := &messages{statuses: httpStatuses()}
	for _, f := range thisTree(t).files {
		if f.test || slices.ContainsFunc(silent, func(s string) bool { return strings.HasPrefix(f.path+"/", s+"/") }) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				m.call(f.path, n)
			case *ast.CompositeLit:
				m.literal(f.path, n)
			}
			return true
		})
	}
	return m
}

func httpStatuses() map[string]int {
	all := map[string]int{}
	for code := 100; code < 600; code++ {
		if text := http.StatusText(code); text != "" {
			all["Status"+strings.NewReplacer(" ", "", "-", "", "'", "").Replace(text)] = code
		}
	}
	all["StatusTeapot"], all["StatusNonAuthoritativeInfo"] = 418, 203
	return all
}

// shorthands are the functions whose name tells the status, with the index of the text.
var shorthands = map[string]struct{ status, text int }{
	"BadRequest": {400, 0}, "Unauthorized": {401, 1}, "Forbidden": {403, 0},
	"NotFound": {404, 0}, "Conflict": {409, 0}, "Unprocessable": {422, 0},
}

func (m *messages) call(file string, call *ast.CallExpr) {
	name := ""
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		name = fn.Name
	case *ast.SelectorExpr:
		name = fn.Sel.Name
	}
	switch short, known := shorthands[name]; {
	case name == "New" && file == "parse.go" && len(call.Args) == 1:
		m.refuse(file, 400, call.Args[0]) // of a parameter
	case known && len(call.Args) > short.text:
		m.refuse(file, short.status, call.Args[short.text])
	case name == "Errorf" && len(call.Args) > 1:
		if status := m.status(call.Args[0]); status > 0 && status < 500 {
			m.refuse(file, status, call.Args[1])
		}
	case name == "AddProblem" && len(call.Args) == 1:
		m.mistake(file, call.Args[0])
	case name == "mistake" || name == "add" && strings.HasSuffix(fmt.Sprint(receiver(call)), "log"):
		for _, arg := range call.Args[:min(2, len(call.Args))] {
			m.mistake(file, arg)
		}
	}
}

// receiver returns the name in front of the method that is called.
func receiver(call *ast.CallExpr) string {
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		switch x := sel.X.(type) {
		case *ast.Ident:
			return x.Name
		case *ast.SelectorExpr:
			return x.Sel.Name
		}
	}
	return ""
}

func (m *messages) literal(file string, lit *ast.CompositeLit) {
	switch t := lit.Type.(type) {
	case *ast.Ident:
		if t.Name != "Error" && t.Name != "FieldError" {
			return
		}
	case *ast.SelectorExpr:
		if t.Sel.Name != "Error" && t.Sel.Name != "FieldError" {
			return
		}
	default:
		return
	}
	var status int
	var detail ast.Expr
	for _, elt := range lit.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			switch fmt.Sprint(kv.Key) {
			case "Status":
				status = m.status(kv.Value)
			case "Detail":
				detail = kv.Value
			}
		}
	}
	if detail != nil && status > 0 && status < 500 {
		m.refuse(file, status, detail)
	}
}

func (m *messages) status(e ast.Expr) int {
	switch e := e.(type) {
	case *ast.BasicLit:
		n, _ := strconv.Atoi(e.Value)
		return n
	case *ast.SelectorExpr:
		return m.statuses[e.Sel.Name]
	}
	return 0
}

func (m *messages) mistake(file string, e ast.Expr) {
	if text, ok := textOf(e); ok && telling.MatchString(text) {
		m.mistakes = append(m.mistakes, message{0, text, file})
	}
}

func (m *messages) refuse(file string, status int, e ast.Expr) {
	if text, ok := textOf(e); ok && telling.MatchString(text) {
		m.refusals = append(m.refusals, message{status, text, file})
	}
}

// telling tells texts from such that only put others together.
var telling = regexp.MustCompile(`[a-z]{3}`)

var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z]`)

// textOf returns the text of a constant, or of a sum with one in it, with … for what is
// known at run time only.
func textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return verb.ReplaceAllString(s, "…"), err == nil && len(s) > 3
	case *ast.BinaryExpr:
		a, okA := textOf(e.X)
		b, okB := textOf(e.Y)
		if !okA {
			a = "…"
		}
		if !okB {
			b = "…"
		}
		return a + b, okA || okB
	case *ast.CallExpr:
		if sel, ok := e.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return textOf(e.Args[0])
		}
	}
	return "", false
}

func (m *messages) page() string {
	var b strings.Builder
	b.WriteString("# Messages\n\nWritten from the code by a test. … stands for what is known at run time: names, types, values.\n")
	b.WriteString("\n## Mistakes in the registration\n\n`Build` returns all of them at once, as `tako.RegistrationErrors`, each with the file and line of the call; every server calls it before it listens.\n")
	table(&b, m.mistakes, false)
	b.WriteString("\n## Requests that are refused\n\nThe text is the detail of a problem document, or of one of its fields. Server errors are not listed: their texts are logged, never sent.\n")
	table(&b, m.refusals, true)
	return b.String()
}

func table(b *strings.Builder, list []message, status bool) {
	slices.SortStableFunc(list, func(a, c message) int {
		return strings.Compare(fmt.Sprint(a.status, a.file, "\x00", a.text), fmt.Sprint(c.status, c.file, "\x00", c.text))
	})
	list = slices.CompactFunc(list, func(a, c message) bool { return a == c })
	if status {
		b.WriteString("\n| status | message | from |\n|---|---|---|\n")
	} else {
		b.WriteString("\n| message | from |\n|---|---|\n")
	}
	for _, msg := range list {
		if status {
			fmt.Fprintf(b, "| %d ", msg.status)
		}
		text := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", ">", "&gt;").Replace(msg.text)
		fmt.Fprintf(b, "| %s | [%s](../../%s) |\n", text, msg.file, msg.file)
	}
}
