package ws

// AcceptKey is for servers of tests.
func AcceptKey(key string) string { return acceptKey(key) }
