package schema

// MaxFailures is how many failures a [Report] holds unless its Max says otherwise.
const MaxFailures = 100

// Report collects failures. The zero value is ready. It is used by one goroutine.
type Report struct {
	// Failures are those found, in the order of the fields.
	Failures []Failure
	// Max is how many are kept at most; 0 stands for [MaxFailures]. A check ends when
	// there are that many.
	Max int
}

// Failure is one thing wrong with a value.
type Failure struct {
	// Pointer is the JSON pointer of the value (RFC 6901), "" for the root. Beyond 256
	// bytes it is cut, and ends in "…".
	Pointer string
	// Rule is the keyword of JSON Schema that was broken, such as "minLength"; "type"
	// for null where it is not allowed; "validate" for the error of a Validate method.
	Rule string
	// Detail says what is wrong; it completes "the value …". The text of Err is cut at
	// 1024 bytes.
	Detail string
	// Value is the scalar that is wrong, long text shortened. It is nil for objects,
	// arrays, absent values and secrets.
	Value any
	// Err is the error of a Validate method or of a format.
	Err error
}

// Full reports that no more failures are kept.
func (r *Report) Full() bool {
	limit := r.Max
	if limit <= 0 {
		limit = MaxFailures
	}
	return len(r.Failures) >= limit
}
