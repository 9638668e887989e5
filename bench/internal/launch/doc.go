// Package launch builds our server and its rivals and runs them, one process for
// each measurement.
package launch
