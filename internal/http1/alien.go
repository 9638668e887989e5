package http1

import "bytes"

// Alien reports whether the first line of what a client sends is not that of a
// request of any HTTP/1: neither its target nor its version is one. Such a client does not
// read a response of HTTP/1 either. It is false while the line has not ended, and for a PROXY
// header, behind which there is a client of HTTP/1 as likely as not.
func Alien(received []byte) bool {
	line, _, ended := bytes.Cut(received, []byte{'\n'})
	if !ended {
		return false
	}
	method, line, _ := bytes.Cut(line, []byte{' '})
	target, version, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(method) == 0 || string(method) == "PROXY" || len(target) == 0 || bytes.HasPrefix(version, []byte("HTTP/")) {
		return false
	}
	return target[0] != '/' && target[0] != '*' && bytes.IndexByte(target, ':') < 0
}
