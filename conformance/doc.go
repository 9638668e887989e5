// Package conformance has no code of its own: its tests run public suites, and
// clients that others wrote, against the server of folder server. README.md says
// which, and what came of it.
package conformance
