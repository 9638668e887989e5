package transport

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// An option is a key of the query of an entry.
type option struct {
	name   string
	unix   bool // for Unix sockets only
	many   bool // may be there more than once
	set    func(e *Endpoint, value string) error
	values func(e Endpoint) []string // as they are written, nil if it is not set
}

// allOptions are in the order in which String has them.
func allOptions() []option {
	return []option{
		{name: "mode", unix: true, set: setMode, values: func(e Endpoint) []string {
			return one(e.Unix.Mode != 0, fmt.Sprintf("%04o", uint32(e.Unix.Mode)))
		}},
		{name: "owner", unix: true, set: func(e *Endpoint, value string) error {
			e.Unix.Owner = value
			return nil
		}, values: func(e Endpoint) []string { return one(e.Unix.Owner != "", e.Unix.Owner) }},
		{name: "group", unix: true, set: func(e *Endpoint, value string) error {
			e.Unix.Group = value
			return nil
		}, values: func(e Endpoint) []string { return one(e.Unix.Group != "", e.Unix.Group) }},
		{name: "proxy", set: setProxy, values: func(e Endpoint) []string {
			return one(e.Proxy.Mode != tako.ProxyOff, e.Proxy.Mode.String())
		}},
		{name: "proxy-from", many: true, set: func(e *Endpoint, value string) error {
			e.Proxy.Trusted = append(e.Proxy.Trusted, value)
			return nil
		}, values: func(e Endpoint) []string { return e.Proxy.Trusted }},
		{name: "proxy-timeout", set: setProxyTimeout, values: func(e Endpoint) []string {
			return one(e.Proxy.Timeout != 0, e.Proxy.Timeout.String())
		}},
	}
}

func one(isSet bool, value string) []string {
	if !isSet {
		return nil
	}
	return []string{value}
}

func setMode(e *Endpoint, value string) error {
	mode, err := strconv.ParseUint(strings.TrimPrefix(value, "0o"), 8, 32)
	if err != nil || mode == 0 || mode > uint64(fs.ModePerm) {
		return fmt.Errorf("%q must be an octal number from 0001 to 0777, such as 0660", value)
	}
	e.Unix.Mode = fs.FileMode(mode)
	return nil
}

func setProxy(e *Endpoint, value string) error {
	for _, mode := range []tako.ProxyMode{tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore} {
		if value == mode.String() {
			e.Proxy.Mode = mode
			return nil
		}
	}
	return fmt.Errorf("%q must be required, optional or ignore", value)
}

func setProxyTimeout(e *Endpoint, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q must be a positive duration, such as 5s", value)
	}
	e.Proxy.Timeout = d
	return nil
}

// parseOptions is called after parseAddress.
func (e *Endpoint) parseOptions(query string) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("options %q: %w", query, err)
	}
	allowed := map[string]option{}
	var names []string
	for _, o := range allOptions() {
		if o.unix && e.Network == "unix" || !o.unix && !e.Protocol.packets() {
			allowed[o.name] = o
			names = append(names, o.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		values := options[name]
		o, ok := allowed[name]
		switch {
		case names == nil:
			return fmt.Errorf("option %q: %s over %s has none", name, e.Protocol, e.Network)
		case !ok:
			return fmt.Errorf("option %q: %s over %s has %s", name, e.Protocol, e.Network, strings.Join(names, ", "))
		case len(values) > 1 && !o.many:
			return fmt.Errorf("option %q is there %d times", name, len(values))
		}
		for _, value := range values {
			if value == "" {
				return fmt.Errorf("option %q has no value", name)
			}
			if err := o.set(e, value); err != nil {
				return fmt.Errorf("option %q: %w", name, err)
			}
		}
	}
	return e.checkProxy()
}

func (e *Endpoint) checkProxy() error {
	if e.Proxy.Mode == tako.ProxyOff {
		if e.Proxy.Trusted != nil || e.Proxy.Timeout != 0 {
			return errors.New("options of the PROXY protocol without proxy=required, optional or ignore")
		}
		return nil
	}
	if len(e.Proxy.Trusted) == 0 {
		return errors.New("option \"proxy\" needs proxy-from, who may send headers, such as proxy-from=10.0.0.0/8")
	}
	_, err := e.Proxy.WithDefaults()
	return err
}

// optionText is what parseOptions has parsed.
func (e Endpoint) optionText() string {
	var b strings.Builder
	for _, o := range allOptions() {
		for _, value := range o.values(e) {
			separator := byte('&')
			if b.Len() == 0 {
				separator = '?'
			}
			b.WriteByte(separator)
			b.WriteString(o.name + "=" + escape(value))
		}
	}
	return b.String()
}
