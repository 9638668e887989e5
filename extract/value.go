package extract

import (
	"reflect"

	"github.com/tako-go/tako"
)

// A ValueKey is a type that names a [tako.Key]. The method is called on a zero
// value.
type ValueKey[T any] interface {
	// Key returns the key.
	Key() tako.Key[T]
}

// Value is what middleware around the route has left under a key:
//
//	var tenant = tako.NewKey[Tenant]("tenant")
//
//	type tenantKey struct{}
//
//	func (tenantKey) Key() tako.Key[Tenant] { return tenant }
//
//	in.Tenant.Value // of a field Tenant extract.Value[Tenant, tenantKey]
//
// Nobody can tell before a request comes whether the middleware sets it, so a value
// that is not there is 500, not a mistake of the build; it matches [tako.ErrAbsent].
// A key that was not made by [tako.NewKey] is a mistake of the build. Where the
// value can be made on demand, [tako.Provide] is checked altogether.
type Value[T any, K ValueKey[T]] struct {
	// Value is what was left.
	Value T
}

// Extract looks the value up.
func (v *Value[T, K]) Extract(c *tako.Context) error {
	key, ok := keyOf[T, K]()
	if !ok {
		return misuse("%v names no key", reflect.TypeFor[K]())
	}
	if v.Value, ok = key.Get(c); !ok {
		return misuse("no middleware has set %s: %w", key, tako.ErrAbsent)
	}
	return nil
}

// Describe checks the key.
func (v *Value[T, K]) Describe(op *tako.Operation, field string) {
	if _, ok := keyOf[T, K](); !ok {
		op.AddProblem(field + ": " + reflect.TypeFor[K]().String() + " names no key: its method Key has to return one made by tako.NewKey")
	}
}

func keyOf[T any, K ValueKey[T]]() (tako.Key[T], bool) {
	var k K
	if t := reflect.TypeFor[K](); t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return tako.Key[T]{}, false
	}
	key := k.Key()
	return key, key != tako.Key[T]{}
}
