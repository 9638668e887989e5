package credentials

import "errors"

// Hide returns err without hidden in its chain; all else can be found there, and the text
// is the same.
func Hide(err, hidden error) error {
	if !errors.Is(err, hidden) {
		return err
	}
	return &veiled{err, hidden}
}

// veiled has no Unwrap, so that errors.Is asks it alone.
type veiled struct{ err, hidden error }

func (v *veiled) Error() string { return v.err.Error() }

func (v *veiled) Is(target error) bool { return target != v.hidden && errors.Is(v.err, target) }

func (v *veiled) As(target any) bool { return errors.As(v.err, target) }
