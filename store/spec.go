package store

import (
	"fmt"
	"maps"
)

// Kind is the kind of a store: its methods and the format of its bytes.
type Kind int8

// The kinds of stores. A number is written into state directories and never
// changes its meaning.
const (
	KindKeyValue            Kind = 1
	KindTimestampedKeyValue Kind = 2
)

// String returns the kind as messages and metrics name it.
func (k Kind) String() string {
	switch k {
	case KindKeyValue:
		return "key-value"
	case KindTimestampedKeyValue:
		return "timestamped-key-value"
	}
	return fmt.Sprintf("Kind(%d)", int8(k))
}

// Timestamped tells whether a stored value begins with 8 bytes of timestamp,
// which its changelog record carries as the record's timestamp instead.
func (k Kind) Timestamped() bool { return k == KindTimestampedKeyValue }

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
	// Caching tells whether updates are forwarded once per key and commit instead
	// of one by one.
	Caching bool
	// Opener opens the engine of a persistent store; nil is the application's
	// default. The persistent stores of a task share one engine, so they must
	// agree.
	Opener Opener
}

// A Builder describes a store; its types are erased. [KeyValue] and
// [TimestampedKeyValue] return builders. A builder may be shared by topologies
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

// Cached forwards updates once per key and commit.
func Cached() Option { return func(s *Spec) { s.Caching = true } }

// NotCached forwards each update.
func NotCached() Option { return func(s *Spec) { s.Caching = false } }

func newSpec(name string, kind Kind, opts []Option) Spec {
	s := Spec{Name: name, Kind: kind, Persistent: true, Logged: true}
	for _, o := range opts {
		if o != nil {
			o(&s)
		}
	}
	return s
}
