package stream

import (
	"encoding/binary"
	"fmt"

	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
)

// What the two sides of a foreign-key join tell each other, in Kafka Streams' bytes.

// hash is that of a value of the left table: murmur3 of its bytes, in 128 bits.
type hash [16]byte

// instruction says what the right side does with a subscription. Kafka Streams:
// SubscriptionWrapper.Instruction.
type instruction byte

const (
	deleteSilently   instruction = iota // take it out, answer nothing
	deleteAndTell                       // take it out, answer null
	subscribeAndTell                    // answer the value, or null if there is none
	subscribe                           // answer the value if there is one
)

// subscription tells the right side that an entry of the left table refers to a key.
// Kafka Streams: SubscriptionWrapper.
type subscription[K any] struct {
	key         K
	hash        hash // of the entry's value
	hashed      bool // false: there is no value
	instruction instruction
	partition   int32 // of the left side, where the answer goes; -1 if unknown
}

// response is the answer to a subscription. Kafka Streams:
// SubscriptionResponseWrapper.
type response[V any] struct {
	hash      hash
	hashed    bool
	value     V
	isNull    bool
	partition int32 // not part of the bytes
}

const (
	noHash         = 0x80 // in the version's byte: no hash follows
	partitionKnown = 1    // the version since which subscriptions have a partition
)

// subscriptionSerde is the format of subscriptions: version, instruction, hash, key,
// partition. The key is encoded for a topic that does not exist, as in Kafka Streams:
// its name is that of a schema registry's subject.
type subscriptionSerde[K any] struct{ keys serde.Serde[K] }

func (s subscriptionSerde[K]) Bind(topic string, _ serde.Role) (serde.Codec[subscription[K]], error) {
	c, err := s.keys.Bind(topic+"-pk", serde.Key.Internal())
	return subscriptionCodec[K]{c}, err
}

type subscriptionCodec[K any] struct{ keys serde.Codec[K] }

func (c subscriptionCodec[K]) Append(dst []byte, s subscription[K]) ([]byte, error) {
	version := byte(partitionKnown)
	if s.partition < 0 {
		version = 0
	}
	if !s.hashed {
		version |= noHash
	}
	dst = append(dst, version, byte(s.instruction))
	if s.hashed {
		dst = append(dst, s.hash[:]...)
	}
	dst, err := c.keys.Append(dst, s.key)
	if s.partition >= 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(s.partition))
	}
	return dst, err
}

func (c subscriptionCodec[K]) Decode(data []byte) (s subscription[K], err error) {
	s, key, err := decodeSubscription[K](data)
	if err != nil {
		return s, err
	}
	s.key, err = c.keys.Decode(key)
	return s, err
}

// decodeSubscription decodes all but the key.
func decodeSubscription[K any](data []byte) (s subscription[K], key []byte, err error) {
	size := len(data)
	version, data, err := header(data, partitionKnown, &s.hash, &s.hashed, func(b byte) { s.instruction = instruction(b) })
	if err != nil {
		return s, nil, err
	}
	if s.instruction > subscribe {
		return s, nil, fmt.Errorf("stream: a subscription has the unknown instruction %d", s.instruction)
	}
	if s.partition = -1; version >= partitionKnown {
		if len(data) < 4 {
			return s, nil, fmt.Errorf("stream: a subscription has %d bytes, too few for its partition", size)
		}
		s.partition = int32(binary.BigEndian.Uint32(data[len(data)-4:]))
		data = data[:len(data)-4]
	}
	return s, data, nil
}

// header takes the version and the hash off data; between them a subscription has a
// byte that next is given.
func header(data []byte, known byte, h *hash, hashed *bool, next func(byte)) (version byte, rest []byte, err error) {
	size := 1
	if next != nil {
		size = 2
	}
	if len(data) < size {
		return 0, nil, fmt.Errorf("stream: %d bytes are too few for a message of a foreign-key join", len(data))
	}
	version = data[0] &^ noHash
	if version > known {
		return 0, nil, fmt.Errorf("stream: a message of a foreign-key join has version %d, this library knows %d", version, known)
	}
	*hashed = data[0]&noHash == 0
	if next != nil {
		next(data[1])
	}
	if data = data[size:]; *hashed {
		if len(data) < len(h) {
			return 0, nil, fmt.Errorf("stream: %d bytes are too few for the hash of a foreign-key join", len(data))
		}
		copy(h[:], data)
		data = data[len(h):]
	}
	return version, data, nil
}

// responseSerde is the format of responses: version, hash, and the value, of which no
// byte means null.
type responseSerde[V any] struct{ values serde.Serde[V] }

func (s responseSerde[V]) Bind(topic string, role serde.Role) (serde.Codec[response[V]], error) {
	c, err := s.values.Bind(topic, role)
	return responseCodec[V]{c, null.Check[V]()}, err
}

type responseCodec[V any] struct {
	values serde.Codec[V]
	isNull func(*V) bool
}

func (c responseCodec[V]) Append(dst []byte, r response[V]) ([]byte, error) {
	if r.hashed {
		dst = append(append(dst, 0), r.hash[:]...)
	} else {
		dst = append(dst, noHash)
	}
	if r.isNull {
		return dst, nil
	}
	return c.values.Append(dst, r.value)
}

func (c responseCodec[V]) Decode(data []byte) (r response[V], err error) {
	r.partition = -1
	_, data, err = header(data, 0, &r.hash, &r.hashed, nil)
	if err != nil {
		return r, err
	}
	if r.isNull = len(data) == 0; r.isNull {
		return r, nil
	}
	r.value, err = c.values.Decode(data)
	if c.isNull != nil {
		v := r.value // not &r.value: r would be moved to the heap for every type
		r.isNull = c.isNull(&v)
	}
	return r, err
}

// appendForeign appends the beginning of a key of the subscription store: the length
// of the foreign key in 4 bytes and the foreign key. The primary key follows. Kafka
// Streams: CombinedKeySchema.
func appendForeign[KO any](dst []byte, c serde.Codec[KO], foreign KO) ([]byte, error) {
	at := len(dst)
	dst, err := c.Append(append(dst, 0, 0, 0, 0), foreign)
	if err == nil {
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, err
}

// primaryOf is the primary key in a key of the subscription store.
func primaryOf(combined []byte) ([]byte, error) {
	if len(combined) >= 4 {
		if n := uint64(binary.BigEndian.Uint32(combined)); n <= uint64(len(combined)-4) {
			return combined[4+n:], nil
		}
	}
	return nil, fmt.Errorf("stream: a key of the subscription store has %d bytes, too few for its foreign key", len(combined))
}
