package jwt

import "testing"

func BenchmarkVerify(b *testing.B) {
	v := verifier(b, nil)
	for _, algorithm := range []string{HS256, RS256, ES256, EdDSA} {
		token := sign(b, testKey(algorithm), claims(map[string]any{"sub": "octo", "role": "admin"}))
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var got member
				if _, err := v.Verify(b.Context(), token, &got); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
