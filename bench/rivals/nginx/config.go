package main

import (
	"fmt"
	"os"
	"strings"
)

// configText keeps all files within dir, connections open, and TLS as the other servers
// have it. Files of static are sent by sendfile; which of them are open is not remembered.
func configText(dir, addr string, workers int, h2c bool, pair, static string) string {
	var user, tls, files string
	listen := addr
	if os.Geteuid() == 0 {
		user = "user root;" // the folder belongs to it
	}
	switch {
	case pair != "":
		listen += " ssl http2"
		tls = fmt.Sprintf("ssl_certificate %[1]s; ssl_certificate_key %[1]s; ssl_protocols TLSv1.3; "+
			"ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_ecdh_curve X25519;", pair)
	case h2c:
		listen += " http2"
	}
	if static != "" {
		files = fmt.Sprintf("location /static/ { alias %s/; }", static)
	}
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s; ", kind, dir, kind)
	}
	return fmt.Sprintf(`%s
daemon off; pid %s/pid; error_log stderr crit;
worker_processes %d;
events { worker_connections 16384; }
http {
	access_log off; sendfile on; %s
	keepalive_requests 1000000000; keepalive_timeout 1h;
	server {
		listen %s;
		%s
		location = / { default_type "text/plain; charset=utf-8"; return 200 "Hello, World!"; }
		%s
	}
}
`, user, dir, workers, temp.String(), listen, tls, files)
}
