package kafka

import "github.com/rcrowley/go-metrics"

// silent is a registry for sarama's metrics that keeps none. The usual one has
// several histograms for each connection and each of its topics, which nobody
// reads.
type silent struct{}

func (silent) GetOrRegister(_ string, metric any) any {
	switch metric.(type) {
	case func() metrics.Meter, metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Counter, metrics.Counter:
		return metrics.NilCounter{}
	}
	return metrics.NilHistogram{}
}

func (silent) Each(func(string, any))            {}
func (silent) Get(string) any                    { return nil }
func (silent) GetAll() map[string]map[string]any { return nil }
func (silent) Register(string, any) error        { return nil }
func (silent) RunHealthchecks()                  {}
func (silent) Unregister(string)                 {}
func (silent) UnregisterAll()                    {}
