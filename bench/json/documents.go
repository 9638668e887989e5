package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// User is the small document.
type User struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Age   int    `json:"age"`
}

// Order is the medium document; a [Book] of many is the large one.
type Order struct {
	ID       int64             `json:"id"`
	Placed   time.Time         `json:"placed"`
	Customer Customer          `json:"customer"`
	Lines    []Line            `json:"lines"`
	Labels   map[string]string `json:"labels"`
	Total    float64           `json:"total"`
	Paid     bool              `json:"paid"`
	Coupon   *string           `json:"coupon"`
	Note     string            `json:"note,omitempty"`
}

// Customer is who has ordered.
type Customer struct {
	Name    string   `json:"name"`
	Email   string   `json:"email"`
	Phones  []string `json:"phones"`
	Address *Address `json:"address"`
}

// Address is where it goes.
type Address struct {
	Street  string  `json:"street"`
	City    string  `json:"city"`
	Zip     string  `json:"zip"`
	Country string  `json:"country"`
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
}

// Line is one thing ordered.
type Line struct {
	SKU      string   `json:"sku"`
	Title    string   `json:"title"`
	Quantity int      `json:"quantity"`
	Price    float64  `json:"price"`
	Tags     []string `json:"tags"`
	Gift     bool     `json:"gift"`
}

// Book is the large document.
type Book struct {
	Orders []Order `json:"orders"`
	Next   string  `json:"next"`
}

// Small returns the small value.
func Small() *User { return &User{Name: "octopus", Email: "octopus@example.com", Age: 7} }

// Medium returns the medium value.
func Medium() *Order {
	o := order(7)
	return &o
}

// Large returns the large value.
func Large() *Book {
	b := &Book{Next: "/orders?after=260"}
	for i := range 262 {
		b.Orders = append(b.Orders, order(i))
	}
	return b
}

var titles = []string{"Diving mask, two lenses", "Wasserdichte Tasche für Bücher", "Snorkel \"Deep Blue\"", "Ink\nblack, 50 ml", "潜水用手套", "Rope 10 m"}

func order(i int) Order {
	o := Order{
		ID: int64(100000 + i*37), Placed: time.Date(2026, 1, 1+i%28, i%24, i%60, 7, i%3*120000000, time.UTC),
		Customer: Customer{Name: fmt.Sprintf("Customer Nr. %d", i), Email: fmt.Sprintf("customer%d@example.com", i),
			Phones:  []string{"+49 431 5550100", fmt.Sprintf("+49 431 55501%02d", i%100)},
			Address: &Address{"Uferstraße 12", "Kiel", "24103", "DE", 54.3213 + float64(i)/1e4, 10.1349 - float64(i)/1e4}},
		Labels: map[string]string{"channel": "web", "region": "north", "campaign": fmt.Sprint("spring-", i%9)},
		Total:  float64(i*1999%100000) / 100, Paid: i%2 == 0, Note: "Leave it with the neighbours at the blue door, please.",
	}
	if i%3 == 0 {
		coupon := "EIGHT-ARMS"
		o.Coupon = &coupon
	}
	for j := range 31 {
		o.Lines = append(o.Lines, Line{SKU: fmt.Sprintf("SKU-%06d", i*31+j*7), Title: titles[(i+j)%len(titles)], Quantity: 1 + j%5,
			Price: float64(1+(i*7+j*131)%20000) / 100, Tags: []string{"sea", "outdoor", "sale"}[:j%4%3+1], Gift: j%7 == 0})
	}
	return o
}

// Text returns v as the text that is decoded.
func Text(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// document is what is decoded and encoded.
type document struct {
	name  string
	value any
	blank func() any
}

var documents = []document{
	{"small", Small(), func() any { return new(User) }},
	{"medium", Medium(), func() any { return new(Order) }},
	{"large", Large(), func() any { return new(Book) }},
}
