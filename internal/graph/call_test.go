package graph_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/internal/graph"
)

func recovered(v any) (err error) {
	defer graph.Recover(&err)
	if v != nil {
		panic(v)
	}
	return errors.New("mine")
}

func TestPanicBecomesTheFunctionsError(t *testing.T) {
	cause := errors.New("no such index")
	err := recovered(cause)
	p := (*graph.PanicError)(nil)
	if !errors.As(err, &p) || !errors.Is(err, cause) || err.Error() != "panic: no such index" || !strings.Contains(string(p.Stack), "recovered") {
		t.Errorf("a panic with an error became %v with stack %.100s", err, p.Stack)
	}
	if err := recovered("text"); err == nil || err.Error() != "panic: text" || errors.Unwrap(err) != nil {
		t.Errorf("a panic with a text became %v", err)
	}
	if err := recovered(nil); err == nil || err.Error() != "mine" {
		t.Errorf("without a panic the error became %v", err)
	}
}
