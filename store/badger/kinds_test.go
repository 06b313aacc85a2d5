package badger_test

import (
	"testing"

	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/store/storetest"
)

func TestKinds(t *testing.T) { storetest.RunKinds(t, storetest.OverEngine(badger.Open)) }
