package conformance

import (
	"github.com/streamweir/streamweir/topology"
)

// onTopology are the steps of the Processor API.
var onTopology = map[string]func(c *call, t *topology.Topology){
	"topology.addSource": func(c *call, t *topology.Topology) {
		src := topology.Source[value, value]{Key: c.key, Value: c.value, Topics: c.Topic}
		if c.Pattern != "" {
			src.Pattern = c.pattern()
		}
		if c.Timestamp != "" {
			src.Timestamp = function(c.builder, timestamps, "timestamp", c.Timestamp)
		}
		topology.AddSource(t, c.Name, src)
	},
	"topology.addProcessor": func(c *call, t *topology.Topology) {
		topology.AddProcessor[value, value, value, value](t, c.Name, c.supplier(), c.Parents...)
		for _, s := range c.OwnStores {
			t.AddStateStore(c.store(s), c.Name)
		}
	},
	"topology.addSink": func(c *call, t *topology.Topology) {
		c.produces(c.types)
		sink := topology.Sink[value, value]{Key: c.key, Value: c.value}
		if c.Fn != "" {
			sink.TopicOf = function(c.builder, topics, "topic", c.Fn)
			sink.Extractor, _ = split(c.Fn)
		} else {
			sink.Topic = c.Topic.first()
		}
		topology.AddSink(t, c.Name, sink, c.Parents...)
	},
	"topology.addStateStore": func(c *call, t *topology.Topology) {
		t.AddStateStore(c.store(c.Store), c.Processors...)
	},
	"topology.addGlobalStore": func(c *call, t *topology.Topology) {
		topology.AddGlobalStore(t, c.store(c.Store), c.Name, c.source(), c.Processor, c.maintainer())
	},
	"topology.addReadOnlyStateStore": func(c *call, t *topology.Topology) {
		topology.AddReadOnlyStateStore(t, c.store(c.Store), c.Name, c.source(), c.Processor, c.maintainer())
	},
	"topology.connect": func(c *call, t *topology.Topology) {
		t.ConnectProcessorAndStateStores(c.Processor, c.Stores...)
	},
}
