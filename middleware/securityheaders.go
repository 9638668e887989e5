package middleware

import (
	"fmt"
	"time"

	"github.com/tako-go/tako"
)

// SecurityConfig configures [SecurityHeadersWith]. An empty field leaves its
// header out unless a default is named; "-" leaves out one with a default.
type SecurityConfig struct {
	// FrameOptions is X-Frame-Options.
	// Default: "DENY".
	FrameOptions string
	// ReferrerPolicy is Referrer-Policy.
	// Default: "strict-origin-when-cross-origin".
	ReferrerPolicy string
	// ContentSecurityPolicy is Content-Security-Policy.
	ContentSecurityPolicy string
	// ContentSecurityPolicyReportOnly is the header of the same name.
	ContentSecurityPolicyReportOnly string
	// OpenerPolicy is Cross-Origin-Opener-Policy.
	OpenerPolicy string
	// EmbedderPolicy is Cross-Origin-Embedder-Policy.
	EmbedderPolicy string
	// ResourcePolicy is Cross-Origin-Resource-Policy.
	ResourcePolicy string
	// PermissionsPolicy is Permissions-Policy.
	PermissionsPolicy string
	// HSTS is the time of Strict-Transport-Security, sent over https only.
	HSTS time.Duration
	// HSTSSubdomains adds includeSubDomains.
	HSTSSubdomains bool
}

// SecurityHeaders sends X-Content-Type-Options: nosniff, X-Frame-Options: DENY
// and a Referrer-Policy, on errors too, unless a handler has set them itself.
func SecurityHeaders() tako.Middleware { return SecurityHeadersWith(SecurityConfig{}) }

// SecurityHeadersWith is SecurityHeaders with a configuration.
func SecurityHeadersWith(cfg SecurityConfig) tako.Middleware {
	fields := cfg.fields()
	hsts := ""
	if cfg.HSTS > 0 {
		hsts = fmt.Sprintf("max-age=%d", int64(cfg.HSTS/time.Second))
		if cfg.HSTSSubdomains {
			hsts += "; includeSubDomains"
		}
	}
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.BeforeHead(func(h *tako.Head) {
				for _, f := range fields {
					if !h.Header.Has(f[0]) {
						h.Header.Add(f[0], f[1])
					}
				}
				if hsts != "" && c.Scheme() == "https" && !h.Header.Has("Strict-Transport-Security") {
					h.Header.Add("Strict-Transport-Security", hsts)
				}
			})
			return next(c)
		}
	}
}

func (cfg SecurityConfig) fields() [][2]string {
	fields := [][2]string{{"X-Content-Type-Options", "nosniff"}}
	add := func(name, value, fallback string) {
		if value == "" {
			value = fallback
		}
		if value != "" && value != "-" {
			fields = append(fields, [2]string{name, value})
		}
	}
	add("X-Frame-Options", cfg.FrameOptions, "DENY")
	add("Referrer-Policy", cfg.ReferrerPolicy, "strict-origin-when-cross-origin")
	add("Content-Security-Policy", cfg.ContentSecurityPolicy, "")
	add("Content-Security-Policy-Report-Only", cfg.ContentSecurityPolicyReportOnly, "")
	add("Cross-Origin-Opener-Policy", cfg.OpenerPolicy, "")
	add("Cross-Origin-Embedder-Policy", cfg.EmbedderPolicy, "")
	add("Cross-Origin-Resource-Policy", cfg.ResourcePolicy, "")
	add("Permissions-Policy", cfg.PermissionsPolicy, "")
	return fields
}
