//go:build !unix

package runtimetest

func signalCases() []testCase {
	return []testCase{{id: "SD-08/order", skip: "this system cannot send signals to a process"}}
}
