package extract

// Named makes files on disk have names, as they do where the system cannot do
// without.
func (l MultipartLimits) Named() MultipartLimits {
	l.named = true
	return l
}

// CleanFileName is cleanFileName for tests.
func CleanFileName(name string) string { return cleanFileName(name) }
