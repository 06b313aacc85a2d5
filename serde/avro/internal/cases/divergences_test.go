package cases

// divergences are the cases in which the library differs from Java on purpose,
// with the reason: the specification says so, or Java has a bug.
var divergences = map[string]string{}

// rules are for cases that a generator makes, whose names say nothing: each may
// know from the case and the difference that it is on purpose, and says why.
var rules []func(c *testCase, difference string) (reason string)

func onPurpose(c *testCase, difference string) string {
	for _, rule := range rules {
		if reason := rule(c, difference); reason != "" {
			return reason
		}
	}
	return ""
}
