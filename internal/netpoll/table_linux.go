package netpoll

// withIndex grows a table so that it has index i. The rest of it is zero.
func withIndex[T any](table []T, i int) []T {
	if i < len(table) {
		return table
	}
	table = append(table, make([]T, i+1-len(table))...)
	return table[:cap(table)]
}
