package inventory

import (
	"testing"

	"github.com/streamweir/streamweir/internal/avrogen"
	"github.com/streamweir/streamweir/internal/avrogen/avrogentest"
)

func TestTypesAreOfTheSchemas(t *testing.T) {
	avrogentest.UpToDate(t, avrogen.Config{Package: "inventory", Raw: true}, "schemas/InventoryAggregate.avsc", "schemas/InventoryEvent.avsc")
}
