package openapi

import "github.com/tako-go/tako"

// Config says what a document has beside the routes, and how it is served. The
// zero value works.
type Config struct {
	// Title names the API.
	// Default: "API".
	Title string
	// Version is that of the API, not of OpenAPI.
	// Default: "0.0.0".
	Version string
	// Summary describes the API in one line.
	Summary string
	// Description describes the API at length, in CommonMark.
	Description string
	// TermsOfService is a URL.
	TermsOfService string
	// Contact is who answers questions, nil for nobody.
	Contact *Contact
	// License is that of the API, nil for none.
	License *License
	// Servers are where the API is served. The first is the base of the servers of
	// routes that have a host.
	// Default: the origin that serves the document.
	Servers []Server
	// Tags puts tags in order and describes them. Tags that operations have and
	// this list has not come after it.
	Tags []Tag
	// ExternalDocs is where more is to be read, nil for nowhere.
	ExternalDocs *Link
	// Webhooks are what the service sends to whoever asked for it. Make their
	// operations with [tako.Describes].
	Webhooks []tako.Called
	// Filter keeps the routes for which it returns true; nil keeps all. Hidden
	// routes are left out before it is asked.
	Filter func(tako.Listed) bool

	// App is the router that is documented.
	// Default: the one that Mount is called on. It has to be set if that is
	// mounted in another.
	App *tako.Router
	// UI is the page that Mount serves.
	// Default: Plain.
	UI UI
	// URL is where the page finds the document, http, https or relative.
	// Default: the document beside it.
	URL string
	// Off serves nothing at all, as for production.
	Off bool
}

// Contact is who answers questions about an API. All parts are optional.
type Contact struct {
	// Name is that of a person or a group.
	Name string
	// URL is a page.
	URL string
	// Email is an address.
	Email string
}

// License is under what terms an API may be used.
type License struct {
	// Name is required.
	Name string
	// Identifier is an SPDX expression such as "Apache-2.0"; it excludes URL.
	Identifier string
	// URL is the text of the license.
	URL string
}

// Server is where an API is served.
type Server struct {
	// URL may be relative to the document, and have {variables}.
	URL string
	// Description says what it is for.
	Description string
	// Variables are the variables of URL.
	Variables []Variable
}

// Variable is a part of the URL of a [Server].
type Variable struct {
	// Name is what stands in braces in the URL.
	Name string
	// Default is used where nothing else is chosen; required.
	Default string
	// Enum lists what may be chosen, empty for anything.
	Enum []string
	// Description says what it is.
	Description string
}

// Tag is a group of operations.
type Tag struct {
	// Name is what [tako.Tags] gives to operations.
	Name string
	// Description describes the group in CommonMark.
	Description string
	// ExternalDocs is where more is to be read, nil for nowhere.
	ExternalDocs *Link
}

// Link is where more is to be read.
type Link struct {
	// URL is required.
	URL string
	// Description says what is there.
	Description string
}

func (cfg Config) withDefaults() Config {
	if cfg.Title == "" {
		cfg.Title = "API"
	}
	if cfg.Version == "" {
		cfg.Version = "0.0.0"
	}
	if cfg.UI == nil {
		cfg.UI = Plain
	}
	return cfg
}

// info is the Info Object.
func (cfg Config) info() *object {
	o := new(object)
	o.Set("title", cfg.Title)
	setText(o, "summary", cfg.Summary)
	setText(o, "description", cfg.Description)
	setText(o, "termsOfService", cfg.TermsOfService)
	if c := cfg.Contact; c != nil {
		contact := new(object)
		setText(contact, "name", c.Name)
		setText(contact, "url", c.URL)
		setText(contact, "email", c.Email)
		o.Set("contact", contact)
	}
	if l := cfg.License; l != nil {
		license := new(object)
		license.Set("name", l.Name)
		setText(license, "identifier", l.Identifier)
		setText(license, "url", l.URL)
		o.Set("license", license)
	}
	o.Set("version", cfg.Version)
	return o
}

func (s Server) object() *object {
	o := new(object)
	o.Set("url", s.URL)
	setText(o, "description", s.Description)
	variables := new(object)
	for _, v := range s.Variables {
		variable := new(object)
		if len(v.Enum) > 0 {
			variable.Set("enum", v.Enum)
		}
		variable.Set("default", v.Default)
		setText(variable, "description", v.Description)
		variables.Set(v.Name, variable)
	}
	setSome(o, "variables", variables)
	return o
}

func (t Tag) object() *object {
	o := new(object)
	o.Set("name", t.Name)
	setText(o, "description", t.Description)
	setLink(o, t.ExternalDocs)
	return o
}

func setLink(o *object, l *Link) {
	if l == nil {
		return
	}
	docs := new(object)
	setText(docs, "description", l.Description)
	docs.Set("url", l.URL)
	o.Set("externalDocs", docs)
}
