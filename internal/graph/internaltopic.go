package graph

import (
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/streamweir/streamweir/store"
)

// TopicKind is what an internal topic is for.
type TopicKind int8

// The kinds of internal topics.
const (
	Repartition TopicKind = iota
	Changelog
)

// An InternalTopic belongs to the application: it is created, and checked, but
// never altered.
type InternalTopic struct {
	Name        string // with the application id
	Kind        TopicKind
	Subtopology int32 // of the store, or of the source that reads the topic
	Partitions  int32 // 0: follows from the topics upstream
	Config      map[string]string
}

// InternalTopics returns the internal topics of a topology, under a prefix, with the configuration
// that Kafka Streams gives them: repartition topics first, in the order in which
// they were added, then changelogs.
func (t *Topology) InternalTopics(prefix string) []InternalTopic {
	return t.InternalTopicsKeeping(prefix, WindowRetention)
}

// InternalTopicsKeeping is InternalTopics with changelogs of window and session stores
// that keep records for that long beyond the store's retention.
func (t *Topology) InternalTopicsKeeping(prefix string, beyond time.Duration) []InternalTopic {
	names := t.Topics(prefix)
	subs := t.Subtopologies()
	var out []InternalTopic
	for _, r := range t.repartition {
		topic := InternalTopic{Name: names.Name(r.Name), Kind: Repartition, Partitions: r.Partitions, Config: map[string]string{
			"cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800", "message.timestamp.type": "CreateTime"}}
		for _, s := range subs {
			if s.Source(names, topic.Name) != nil {
				topic.Subtopology = s.ID
			}
		}
		out = append(out, topic)
	}
	for _, s := range subs {
		for _, st := range s.Stores {
			if names.Logged(st) {
				out = append(out, InternalTopic{Name: names.Changelog(st), Kind: Changelog, Subtopology: s.ID, Config: changelogConfig(st.Builder.Spec(), beyond)})
			}
		}
	}
	return out
}

// WindowRetention is for how long the changelog of a window or session store keeps
// records beyond the store's retention, unless it is configured. Kafka Streams:
// windowstore.changelog.additional.retention.ms.
const WindowRetention = 24 * time.Hour

// versionLag is for how long the changelog of a versioned store keeps versions that were
// replaced beyond the store's history. Kafka Streams: VersionedChangelogTopicConfig.
const versionLag = 24 * time.Hour

func changelogConfig(s store.Spec, beyond time.Duration) map[string]string {
	c := map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
	if s.Kind == store.KindVersionedKeyValue {
		c["min.compaction.lag.ms"] = strconv.FormatInt(addMillis(s.Retention, versionLag.Milliseconds()), 10)
	}
	if s.Kind.Windowed() {
		c["cleanup.policy"] = "compact,delete"
		if s.Duplicates {
			c["cleanup.policy"] = "delete"
		}
		c["retention.ms"] = strconv.FormatInt(addMillis(s.Retention, beyond.Milliseconds()), 10)
	}
	maps.Copy(c, s.TopicConfig)
	return c
}

// addMillis adds without going beyond the greatest time.
func addMillis(a, b int64) int64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxInt64
}
