package main

import (
	"log"
	"os"
)

// follow reloads the pages at each signal; [tako.Run] does the same for certificates.
func (s *site) follow(signals <-chan os.Signal) {
	for range signals {
		if err := s.reload(); err != nil {
			log.Print("the old pages stay: ", err)
		}
	}
}
