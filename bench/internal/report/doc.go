// Package report prints what was measured: a head that says where and how, and a
// table.
package report
