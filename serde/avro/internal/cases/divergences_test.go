package cases

// divergences are the cases in which the library differs from Java on purpose,
// with the reason: the specification says so, or Java has a bug.
var divergences = map[string]string{
	"schema/redefine":              "a type that is defined twice in the same way is one type here, and two objects in Java",
	"schema/default-bytes-high":    "bytes are the characters up to U+00FF; Java writes a question mark for others",
	"schema/default-fixed-short":   "a default has to be as long as the fixed; Java pads it",
	"schema/default-fixed-long":    "a default has to be as long as the fixed; Java cuts it off",
	"schema/default-union-numbers": "the branch is the first that the default is a value of; Java goes by the kind of JSON value and cuts numbers off",
	"schema/default-union-enum":    "the branch is the first that the default is a value of; Java takes the enum for a text that is no symbol, and fails",
	"schema/props-big-number":      "numbers in properties stay as they are written; Java makes an infinity of 1e400",
}

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
