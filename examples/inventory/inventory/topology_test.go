package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
)

func TestTopology(t *testing.T) {
	topo, err := Topology(serde.JSON[*Event](), serde.JSON[*Aggregate](), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(description, topo.Describe()); diff != "" {
		t.Error(diff)
	}
}

// description is what Kafka Streams prints for these operators.
const description = `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [inventory-events])
      --> KSTREAM-PROCESSVALUES-0000000001
    Processor: KSTREAM-PROCESSVALUES-0000000001 (stores: [])
      --> events-
      <-- KSTREAM-SOURCE-0000000000
    Processor: events- (stores: [])
      --> events-invalid, events-valid
      <-- KSTREAM-PROCESSVALUES-0000000001
    Processor: events-valid (stores: [])
      --> KSTREAM-MAPVALUES-0000000007
      <-- events-
    Processor: KSTREAM-MAPVALUES-0000000007 (stores: [])
      --> KSTREAM-AGGREGATE-0000000008
      <-- events-valid
    Processor: KSTREAM-AGGREGATE-0000000008 (stores: [inventory-aggregates-store])
      --> KTABLE-TOSTREAM-0000000009
      <-- KSTREAM-MAPVALUES-0000000007
    Processor: events-invalid (stores: [])
      --> KSTREAM-MAPVALUES-0000000005
      <-- events-
    Processor: KSTREAM-MAPVALUES-0000000005 (stores: [])
      --> KSTREAM-SINK-0000000006
      <-- events-invalid
    Processor: KTABLE-TOSTREAM-0000000009 (stores: [])
      --> KSTREAM-SINK-0000000010
      <-- KSTREAM-AGGREGATE-0000000008
    Sink: KSTREAM-SINK-0000000006 (topic: inventory-events-dlq)
      <-- KSTREAM-MAPVALUES-0000000005
    Sink: KSTREAM-SINK-0000000010 (topic: inventory-aggregates)
      <-- KTABLE-TOSTREAM-0000000009

`
