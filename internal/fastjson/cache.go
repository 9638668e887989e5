package fastjson

import (
	"math/bits"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

// plans is what is known about the types that were met so far.
var plans cache

// known is what to do with the values of one type; without a plan they are refused.
type known struct {
	typ     unsafe.Pointer // the first word of an interface that holds the type
	plan    *plan
	pointer bool // the type is a pointer to what the plan is for
	direct  bool // an interface holds the value itself
}

// cache finds plans by type without a lock. It grows by being copied: the types of
// a program are few, and each is met for the first time once.
type cache struct {
	mu    sync.Mutex
	slots atomic.Pointer[slots]
}

// slots is a hash table, at most half full. Its length is a power of two.
type slots struct {
	list  []known
	used  int
	shift int
}

var refused known

// of returns what is known about the type of v; word is its first word.
func (c *cache) of(word unsafe.Pointer, v any) *known {
	if s := c.slots.Load(); s != nil {
		if k := s.find(word); k.typ == word && word != nil {
			return k
		}
	}
	if v == nil {
		return &refused
	}
	return c.learn(word, reflect.TypeOf(v))
}

// find returns the slot of a type, or the empty one where it belongs.
func (s *slots) find(word unsafe.Pointer) *known {
	i := int(uint64(uintptr(word)) * 0x9e3779b97f4a7c15 >> s.shift)
	for s.list[i].typ != nil && s.list[i].typ != word {
		i = (i + 1) & (len(s.list) - 1)
	}
	return &s.list[i]
}

func (c *cache) learn(word unsafe.Pointer, t reflect.Type) *known {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.slots.Load()
	if old == nil {
		old = &slots{list: make([]known, 8), shift: 61}
	}
	if k := old.find(word); k.typ == word {
		return k
	}
	size := len(old.list)
	if (old.used+1)*2 > size {
		size *= 2
	}
	next := &slots{list: make([]known, size), used: old.used + 1, shift: 64 - bits.TrailingZeros(uint(size))}
	for _, k := range old.list {
		if k.typ != nil {
			*next.find(k.typ) = k
		}
	}
	k := next.find(word)
	*k = learned(word, t)
	c.slots.Store(next)
	return k
}

func learned(word unsafe.Pointer, t reflect.Type) known {
	k := known{typ: word}
	if t.Kind() == reflect.Pointer {
		if k.pointer = true; !hasMethods(t) {
			k.plan = compile(t.Elem())
		}
		return k
	}
	// An interface holds a value that is one pointer itself and not where it is.
	if p := compile(t); p != nil && !wantsAddress(t) {
		if k.direct = t.Kind() == reflect.Map; k.direct || !hasPointer(t) || t.Size() > unsafe.Sizeof(uintptr(0)) {
			k.plan = p
		}
	}
	return k
}
