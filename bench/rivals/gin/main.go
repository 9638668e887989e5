// Command gin is gin with its own binder and validator, without middleware.
package main

import (
	"errors"
	"flag"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-playground/validator/v10"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
	"github.com/tako-go/tako/bench/rivals/internal/model"
	"github.com/tako-go/tako/bench/rivals/internal/quic"
)

type getUser struct {
	ID int64 `uri:"id"`
}

type newUser struct {
	Name  string `json:"name" binding:"required,min=1,max=100"`
	Email string `json:"email" binding:"contains=@"`
}

type searchQuery struct {
	Q     string   `form:"q"`
	Limit int      `form:"limit,default=20"`
	Tags  []string `form:"tag"`
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, model.Hello) })
	r.GET("/users/:id", user)
	r.POST("/users", create)
	r.GET("/search", search)

	h3 := flag.Bool("h3", false, "speak HTTP/3 instead, as RunQUIC does; needs -tls")
	pair := flag.String("tls", "", "certificate and key of HTTP/3 in one `file`")
	boot.Parse()
	if *h3 {
		boot.Fail(quic.Serve(r, *pair))
	}
	boot.Fail(r.RunListener(boot.Listen()))
}

func user(c *gin.Context) {
	var in getUser
	if err := c.ShouldBindUri(&in); err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, model.Octopus(in.ID))
}

func create(c *gin.Context) {
	var in newUser
	if err := c.ShouldBindJSON(&in); err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[validator.ValidationErrors](err); ok {
			status = http.StatusUnprocessableEntity
		}
		c.AbortWithStatus(status)
		return
	}
	c.JSON(http.StatusCreated, model.User{ID: 1, Name: in.Name, Email: in.Email})
}

func search(c *gin.Context) {
	var in searchQuery
	if err := c.ShouldBindQuery(&in); err != nil {
		c.AbortWithStatus(http.StatusBadRequest)
		return
	}
	c.JSON(http.StatusOK, model.Found{Q: in.Q, Limit: in.Limit, Tags: in.Tags})
}
