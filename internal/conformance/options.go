package conformance

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

// buildOptions are those of the properties that Kafka Streams takes when the
// topology is built: it has two ways to pass them, and each counts for its own.
func (r *runner) buildOptions() ([]stream.BuildOption, error) {
	var opts []stream.BuildOption
	s := r.scenario
	if v, ok := s.Config["topology.optimization"]; ok && (s.BuildWithConfig == nil || *s.BuildWithConfig) {
		o, err := stream.ParseOptimization(fmt.Sprint(v))
		if err != nil {
			return nil, err
		}
		_, listed := divergences[s.Name]
		if fixed := fmt.Sprint(s.Config[processFix]) == "true"; o.Has(stream.MergeRepartitions) && !listed && !fixed {
			o |= stream.MergeRepartitionsExactly
		}
		opts = append(opts, stream.Optimize(o))
	}
	if v, ok := s.Config["ensure.explicit.internal.resource.naming"]; ok && s.TopologyConfig && fmt.Sprint(v) == "true" {
		opts = append(opts, stream.ExplicitNames())
	}
	if v, ok := s.Config["dsl.store.format"]; ok {
		opts = append(opts, stream.StoreFormat(fmt.Sprint(v)))
	}
	return opts, nil
}

// processFix makes Kafka Streams leave a repartition behind a processor, which may
// change keys (KAFKA-19668). The library does so without MergeRepartitionsExactly.
const processFix = "__enable.process.processValue.fix__"

// namesOnly tells whether a topology's own config has nothing but what
// buildOptions knows, and what makes no difference there.
func namesOnly(config map[string]any) bool {
	for name := range config {
		switch name {
		case "ensure.explicit.internal.resource.naming", "topology.optimization", processFix, "statestore.cache.max.bytes":
		default:
			return false
		}
	}
	return true
}

const storeSuppliers = "dsl.store.suppliers.class"

// storeOptions are those of all operators' stores: stream.DefaultStores.
func storeOptions(config map[string]any) []store.Option {
	if strings.Contains(fmt.Sprint(config[storeSuppliers]), "InMemory") {
		return []store.Option{store.InMemory()}
	}
	return nil
}

// refused tells whether a scenario needs a format of stores that Build refuses.
func (s *Scenario) refused() bool { return s.Config["dsl.store.format"] == "HEADERS" }
