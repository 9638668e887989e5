// Package jwt verifies JSON Web Tokens (RFC 7519) that clients bring as bearer tokens.
//
// A [Verifier] knows the keys and the rules, and is given to routes with
// [github.com/tako-go/tako.Supply]; typed handlers then take [Claims]:
//
//	verifier, err := jwt.New(jwt.Config{
//		KeySet:   keys, // of jwt.NewKeySet, or Keys
//		Issuer:   "https://id.example.com",
//		Audience: []string{"reefs"},
//	})
//	tako.Supply(app, verifier)
//
//	func me(ctx context.Context, in struct{ Auth jwt.Claims[Member] }) (Profile, error)
//
// Each key has one algorithm, and a token that names another one is refused: what a
// token says of itself never chooses how it is checked (RFC 8725, section 3.1). All
// refusals are one generic 401; the reason is the private cause of the error.
//
// The signatures are checked by github.com/golang-jwt/jwt; parsing and rules are those
// of this package.
package jwt
