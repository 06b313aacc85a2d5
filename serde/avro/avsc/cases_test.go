package avsc

import "flag"

// The flag is for all packages of the folder at once.
var _ = flag.String("cases", "", "read by internal/cases")
