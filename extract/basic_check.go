package extract

import (
	"crypto/sha256"
	"crypto/subtle"
)

// Equal reports whether candidate is one of keys and not empty: a key that was never set
// lets nobody in. How long it takes depends on the lengths of all of them, not on how
// much of them is the same or on which one it is.
// It is for secrets that are random, such as API keys and tokens; for passwords that
// people choose see [CheckPassword].
func Equal(candidate string, keys ...string) bool {
	given := sha256.Sum256([]byte(candidate))
	found := 0
	for _, key := range keys {
		want := sha256.Sum256([]byte(key))
		found |= subtle.ConstantTimeCompare(given[:], want[:])
	}
	return found == 1 && candidate != ""
}

// CheckPassword reports whether verify accepts what is stored for a user. stored is ""
// for a user who does not exist: then verify is run with decoy, the stored form of a
// password that nobody has, so that the answer takes as long, and its word is ignored.
//
//	ok := extract.CheckPassword(hashes[in.Auth.User], decoyHash, func(hash string) bool {
//		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(in.Auth.Password)) == nil
//	})
//	if !ok {
//		return in.Auth.Refuse(errors.New("wrong user or password"))
//	}
//
// decoy is of the same kind and cost as what is stored. verify must use a slow password
// hash, which is not part of this module.
func CheckPassword(stored, decoy string, verify func(stored string) bool) bool {
	known := stored != ""
	if !known {
		stored = decoy
	}
	return verify(stored) && known
}
