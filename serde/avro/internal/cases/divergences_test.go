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

	"data/string-invalid-utf8":       "in JSON each byte that is not UTF-8 is one U+FFFD, in Java some sequences of them",
	"data/fixed-wrong-size":          "a fixed of another size is refused when it is written",
	"data/array-negative-wrong-size": "a block of more bytes than there are is refused",
	"data/long-overlong":             "a number of more than 64 bits is refused",
	"data/int-fifth-byte":            "a number of more than 32 bits is refused",
	"data/boolean-other":             "a boolean other than 0 and 1 is refused",

	"resolve/default-union-array-map":                 "the default of a union is of the first branch that takes it",
	"resolve/default-union-null-after-array":          "the default of a union is of the first branch that takes it",
	"resolve/default-union-null-after-map":            "the default of a union is of the first branch that takes it",
	"resolve/default-union-null-after-record":         "the default of a union is of the first branch that takes it",
	"resolve/default-union-null-after-record-default": "the default of a union is of the first branch that takes it",
	"resolve/default-union-null-after-enum":           "the default of a union is of the first branch that takes it",
	"resolve/default-union-int-double":                "the default of a union is of the first branch that takes it",
	"resolve/default-union-long-int":                  "the default of a union is of the first branch that takes it",
	"resolve/default-union-enum-string":               "the default of a union is of the first branch that takes it",
	"resolve/default-fixed-size":                      "a default of another size is refused, not padded or cut",
	"resolve/default-int-fraction":                    "1.7 is no int",
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
