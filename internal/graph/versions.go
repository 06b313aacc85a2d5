package graph

// Versioned tells whether Kafka Streams takes the records of the operator for those of
// a versioned table: every way up must lead to such a table. Nothing in between says
// otherwise, neither what makes a table a stream nor a windowed aggregation of
// cogrouped streams. Kafka Streams: InternalStreamsBuilder.isVersionedUpstream.
func (o *Op) Versioned() bool {
	if o.Versions != nil {
		return *o.Versions
	}
	for _, p := range o.parents {
		if !p.Versioned() {
			return false
		}
	}
	return len(o.parents) > 0
}
