// Package extracttable is the table of all extractors of the module: what each
// reads, what can be set, and for each way it can fail a request that provokes it.
// The page in the documentation is written from it, and tests send its requests to
// [App], in memory and on the runtimes.
package extracttable
