package store

// Encodings is what the values of a typed store were written as, one after the other,
// for operators that send on what they store: a [serde.Copier] need not encode it again.
// Operators find those of a store by a type assertion, by its method Encodings.
// They are used by the goroutine of the store's task.
type Encodings struct {
	codec any
	skip  int    // bytes before the value, of its timestamp
	data  []byte // of the last value
	count uint64
}

// Like returns encodings by the same codec that have none yet.
func (s *Encodings) Like() *Encodings { return &Encodings{codec: s.codec, skip: s.skip} }

// Add makes data, as a store keeps it, the last encoding.
func (s *Encodings) Add(data []byte) Encoding {
	s.data = data
	s.count++
	return s.Last()
}

// Last is the encoding of the value that was written last.
func (s *Encodings) Last() Encoding { return Encoding{s, s.count} }

// An Encoding is one of [Encodings], or none.
type Encoding struct {
	of *Encodings
	n  uint64
}

// Bytes returns the encoding and the codec that it is by. There is none any more, and
// data is nil, when another value was written: its bytes are in the same place.
func (e Encoding) Bytes() (data []byte, codec any) {
	if e.of == nil || e.of.count != e.n {
		return nil, nil
	}
	return e.of.data[e.of.skip:], e.of.codec
}
