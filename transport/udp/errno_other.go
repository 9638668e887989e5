//go:build !unix && !windows

package udp

func isAnswer(error) bool  { return false }
func isTooLong(error) bool { return false }
