package store

import (
	"fmt"
	"maps"
	"math"
	"time"
)

// Kind is the kind of a store: its methods and the format of its bytes.
type Kind int8

// The kinds of stores. A number is written into state directories and never
// changes its meaning.
const (
	KindKeyValue            Kind = 1
	KindTimestampedKeyValue Kind = 2
	KindWindow              Kind = 3
	KindTimestampedWindow   Kind = 4
	KindSession             Kind = 5
	KindVersionedKeyValue   Kind = 6
	KindBuffer              Kind = 16 // of a table's suppressed changes
	KindWaiting             Kind = 17 // of records that wait to be joined with a table
)

// String returns the kind as messages and metrics name it.
func (k Kind) String() string {
	switch k {
	case KindKeyValue:
		return "key-value"
	case KindTimestampedKeyValue:
		return "timestamped-key-value"
	case KindWindow:
		return "window"
	case KindTimestampedWindow:
		return "timestamped-window"
	case KindSession:
		return "session"
	case KindWaiting:
		return "waiting-records"
	case KindBuffer:
		return "buffer"
	case KindVersionedKeyValue:
		return "versioned-key-value"
	}
	return fmt.Sprintf("Kind(%d)", int8(k))
}

// Timestamped tells whether a stored value begins with 8 bytes of timestamp,
// which its changelog record carries as the record's timestamp instead.
func (k Kind) Timestamped() bool {
	return k == KindTimestampedKeyValue || k == KindTimestampedWindow
}

// Segmented tells whether what a store has expires by segments of time.
func (k Kind) Segmented() bool { return k.Windowed() || k == KindVersionedKeyValue }

// Windowed tells whether the rows of a store have a time in their keys: those of window
// and session stores.
func (k Kind) Windowed() bool {
	return k == KindWindow || k == KindTimestampedWindow || k == KindSession
}

// Forever is a retention or a window size without an end.
const Forever time.Duration = math.MaxInt64

// Spec is what a task must know of a store to open it.
type Spec struct {
	// Name names the store within its topology, its changelog topic
	// <application id>-<name>-changelog, and its keys in the engine.
	Name string
	Kind Kind
	// Persistent tells whether the store survives in the task's folder. One that
	// does not is restored from the beginning of its changelog.
	Persistent bool
	// Logged tells whether the store has a changelog topic of its own.
	Logged bool
	// TopicConfig overrides the configuration of the changelog topic.
	TopicConfig map[string]string
	// LogHeaders tells whether changelog records have the headers of the record that
	// causes the change. They are not stored.
	LogHeaders bool
	// Caching tells whether updates are forwarded once per key and commit instead
	// of one by one.
	Caching bool
	// Opener opens the engine of a persistent store; nil is the application's
	// default. The persistent stores of a task share one engine, so they must
	// agree.
	Opener Opener
	// TTL is for how many milliseconds of stream time an entry is kept that is not
	// written; 0: for ever. See [TTL].
	TTL int64
	// MaxEntries limits a key-value store in memory; 0 is no limit. See [LRU].
	MaxEntries int

	// What follows is of segmented stores, in milliseconds.

	// Retention is for how long a row is kept: one whose time is not greater than
	// the store's stream time minus Retention is not seen any more. In a versioned
	// store it is the history retention.
	Retention int64
	// SegmentInterval is the span of time whose rows are dropped at once.
	SegmentInterval int64
	// WindowSize is the size of the windows of a window store, whose rows have the
	// start only.
	WindowSize int64
	// Duplicates tells whether a window store keeps every value that is put, instead
	// of the last for each key and window.
	Duplicates bool
	// TimeOrdered tells whether the store has an index by time.
	TimeOrdered bool
}

// A Builder describes a store; its types are erased. [KeyValue], [Windows] and the
// like return builders. A builder may be shared by topologies
// and goroutines.
type Builder interface {
	// Name is the store's name.
	Name() string
	// Spec describes the store. The result must not be modified.
	Spec() Spec
	// BindAny is the builder's Bind method, its result as an any: a
	// KeyValueStore[K, V] for instance.
	BindAny(Binding) (any, error)
	// ViewAny is the builder's View method, its result as an any: a
	// ReadOnlyKeyValueStore[K, V] for instance.
	ViewAny(r Reader, changelogTopic string) (any, error)
}

// An Option changes the description of a store. Without options a store is
// persistent, logged and not cached, as in Kafka Streams' Processor API.
type Option func(*Spec)

// InMemory keeps the store in memory only.
func InMemory() Option { return func(s *Spec) { s.Persistent, s.Opener = false, nil } }

// Persistent keeps the store in an engine on disk; a nil opener is the
// application's default.
func Persistent(open Opener) Option { return func(s *Spec) { s.Persistent, s.Opener = true, open } }

// Logged gives the store a changelog topic, with topic configurations that
// override Kafka Streams' defaults for it; nil overrides none.
func Logged(topicConfig map[string]string) Option {
	topicConfig = maps.Clone(topicConfig)
	return func(s *Spec) { s.Logged, s.TopicConfig = true, topicConfig }
}

// NotLogged leaves the store without a changelog: its content is lost with its
// folder, and when its task moves to another process.
func NotLogged() Option { return func(s *Spec) { s.Logged, s.TopicConfig = false, nil } }

// LogHeaders gives changelog records the headers of the record that causes the change,
// as those of Kafka Streams' stores with headers have (KIP-1271). They are not stored.
func LogHeaders() Option { return func(s *Spec) { s.LogHeaders = true } }

// Cached forwards updates once per key and commit. What the record cache holds of a
// window or session store is seen also after it has expired, until the cache needs its
// room: as in Kafka Streams, a session can be joined with records for longer.
func Cached() Option { return func(s *Spec) { s.Caching = true } }

// NotCached forwards each update.
func NotCached() Option { return func(s *Spec) { s.Caching = false } }

// RetainDuplicates makes a window store keep every value that is put: the store of one
// side of a stream-stream join. Its changelog topic is not compacted. Deleting from it
// changes nothing, and it has no record cache. Kafka Streams: retainDuplicates.
func RetainDuplicates() Option { return func(s *Spec) { s.Duplicates = true } }

// TimeOrdered gives a window or session store an index by time, so that FetchAll and All
// of windows, and FindEnded of sessions, go by time and then by key, at a cost that depends
// on the range alone: the store of an aggregation that emits when windows close. A new
// row costs two writes. Kafka Streams: RocksDBTimeOrderedWindowStore.
func TimeOrdered() Option { return func(s *Spec) { s.TimeOrdered = true } }
