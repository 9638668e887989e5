package report

import (
	"cmp"
	"fmt"
	"slices"
)

// Number is what has a mean.
type Number interface{ ~int64 | ~float64 }

// Median is the middle value, or the mean of the two in the middle. It sorts
// values, which must not be empty.
func Median[T Number](values []T) T {
	slices.SortFunc(values, cmp.Compare[T])
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// MedianOf is the median of one figure of all samples.
func MedianOf[S any, T Number](samples []S, value func(S) T) T {
	return SpreadOf(samples, value).Median
}

// Spread is a median with the extremes beside it.
type Spread[T Number] struct{ Median, Low, High T }

// SpreadOf is the spread of one figure of all samples, zero without samples.
func SpreadOf[S any, T Number](samples []S, value func(S) T) Spread[T] {
	if len(samples) == 0 {
		return Spread[T]{}
	}
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return Spread[T]{Median: Median(values), Low: slices.Min(values), High: slices.Max(values)}
}

// String is the median with the extremes in parentheses.
func (s Spread[T]) String() string {
	return fmt.Sprintf("%.2f (%.2f..%.2f)", float64(s.Median), float64(s.Low), float64(s.High))
}
