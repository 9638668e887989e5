package transport_test

import (
	"fmt"

	"github.com/tako-go/tako/transport"
)

func ExampleParseListen() {
	endpoints, err := transport.ParseListen("https://:8443,h3://:8443 unix:///run/app.sock?mode=0600,tcp://fd:echo")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range endpoints {
		fmt.Printf("%s over %s at %s\n", e.Protocol, e.Network, e.Address)
	}
	_, err = transport.ParseListen("http://:http")
	fmt.Println(err)
	// Output:
	// https over tcp at :8443
	// h3 over udp at :8443
	// http over unix at /run/app.sock
	// tcp over fd at echo
	// transport: listen list: entry 1, "http://:http": port "http" must be a number from 0 to 65535
}
