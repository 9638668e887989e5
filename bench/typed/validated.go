package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"
	"github.com/go-chi/chi/v5"
	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v5"
)

// newValidator returns a validator that names fields as clients know them.
func newValidator() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(jsonName)
	return v
}

func jsonName(f reflect.StructField) string {
	for _, tag := range []string{"param", "json"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" {
			return name
		}
	}
	return f.Name
}

// broken lists the rules that a validator found broken. Any other error is the
// decoder's.
func broken(err error) (wrong problems, ok bool) {
	rules, ok := errors.AsType[validator.ValidationErrors](err)
	for _, r := range rules {
		wrong.add(r.Field(), "breaks the rule "+r.Tag()+" "+r.Param())
	}
	return wrong, ok
}

// checkBoth puts the rule for the id in front of what a validator has found. The
// status is 0 if there is nothing wrong.
func checkBoth(id int64, err error) (problems, int) {
	var wrong problems
	if id < 1 {
		wrong.add("id", "must be at least 1")
	}
	if err != nil {
		more, ok := broken(err)
		if !ok {
			return problems{err.Error()}, http.StatusBadRequest
		}
		wrong = append(wrong, more...)
	}
	if len(wrong) > 0 {
		return wrong, http.StatusUnprocessableEntity
	}
	return nil, 0
}

func chiRouter(s *users) http.Handler {
	r, check := chi.NewRouter(), newValidator()
	r.Put("/users/{id}", func(w http.ResponseWriter, req *http.Request) {
		id, err := strconv.ParseInt(chi.URLParam(req, "id"), 10, 64)
		if err != nil {
			http.Error(w, "id is no number", http.StatusBadRequest)
			return
		}
		var in newUser
		if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if wrong, status := checkBoth(id, check.Struct(&in)); status != 0 {
			http.Error(w, wrong.String(), status)
			return
		}
		out := s.replace(id, req.URL.Query().Get("q"), req.Header.Get("X-Trace"), in)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	})
	return r
}

func ginRouter(s *users) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	if v, ok := binding.Validator.Engine().(*validator.Validate); ok {
		v.RegisterTagNameFunc(jsonName)
	}
	r := gin.New()
	r.PUT("/users/:id", func(c *gin.Context) {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			c.String(http.StatusBadRequest, "id is no number")
			return
		}
		var in newUser
		if wrong, status := checkBoth(id, c.ShouldBindJSON(&in)); status != 0 {
			c.String(status, wrong.String())
			return
		}
		c.JSON(http.StatusOK, s.replace(id, c.Query("q"), c.GetHeader("X-Trace"), in))
	})
	return r
}

// echoUser is bound as a whole.
type echoUser struct {
	ID int64 `param:"id" json:"-" validate:"min=1"`
	newUser
}

// echoValidator has the method that echo asks for.
type echoValidator struct{ rules *validator.Validate }

func (v echoValidator) Validate(in any) error { return v.rules.Struct(in) }

func echoRouter(s *users) http.Handler {
	e := echo.New()
	e.Validator = echoValidator{newValidator()}
	e.PUT("/users/:id", func(c *echo.Context) error {
		var in echoUser
		if err := c.Bind(&in); err != nil {
			return err
		}
		if err := c.Validate(&in); err != nil {
			wrong, _ := broken(err)
			return c.String(http.StatusUnprocessableEntity, wrong.String())
		}
		return c.JSON(http.StatusOK, s.replace(in.ID, c.QueryParam("q"), c.Request().Header.Get("X-Trace"), in.newUser))
	})
	return e
}
