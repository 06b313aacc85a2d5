package runtime

import (
	"testing"

	"go.uber.org/goleak"
)

// The goroutine that is ignored is one for the whole process, which sarama starts
// with its first fetch request.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}
