package conformance

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream/streamtest"
)

type versionedStore = store.VersionedKeyValueStore[value, value]

// versionedOptions are the segment interval of a versioned store, if it is given.
func versionedOptions(s *storeSpec, opts []store.Option) []store.Option {
	if s.SegmentMs != 0 {
		opts = append(opts, store.SegmentInterval(ms(s.SegmentMs)))
	}
	return opts
}

// versionedCommands runs the commands of versioned stores.
func versionedCommands(s any, words []string, _ int64) ([]string, error) {
	versioned, ok := s.(versionedStore)
	if !ok {
		return nil, notOf(s)
	}
	line, err := versionedCommand(versioned, words)
	return []string{line}, err
}

func versionedCommand(s versionedStore, w []string) (string, error) {
	show := func(r store.VersionedRecord[value], ok bool, err error) (string, error) {
		if !ok {
			return "null", err
		}
		// Kafka Streams' typed store does not tell until when a version is valid.
		return fmt.Sprintf("%s@%d-", text(r.Value), r.Timestamp), err
	}
	switch w[0] {
	case "put":
		validTo, err := s.Put(w[1], word(w[2]), atoi(w[3]))
		return fmt.Sprint(validTo), err
	case "delete":
		return show(s.Delete(w[1], atoi(w[2])))
	case "get":
		return show(s.Get(w[1]))
	case "getAsOf":
		return show(s.GetAsOf(w[1], atoi(w[2])))
	}
	return "", missing("store command " + w[0])
}

// dumpVersions finds what a versioned store has by asking for the keys of all inputs
// at the times of all inputs; nil if the store is of another kind.
func (r *runner) dumpVersions(name string) (*content, error) {
	s, err := streamtest.Store[any](r.driver, name)
	if err != nil {
		return nil, err
	}
	switch s := s.(type) {
	case versionedStore:
		return versionRows(r.scenario, s, jsonOf)
	case store.VersionedKeyValueStore[value, int64]:
		return versionRows(r.scenario, s, func(n int64) any { return n })
	}
	return nil, nil
}

func versionRows[V any](sc *Scenario, s store.VersionedKeyValueStore[value, V], column func(V) any) (*content, error) {
	var ask []string
	var times []int64
	for _, in := range sc.Input {
		if len(in.Key) > 0 && in.Key[0] != 0 { // a long is no key of such a store
			ask = append(ask, string(in.Key))
		}
		if in.Advance == nil && !in.CheckStores {
			times = append(times, in.Timestamp)
		}
	}
	slices.Sort(ask)
	slices.Sort(times)
	slices.Reverse(times)
	c := &content{Type: "versioned", Rows: [][]any{}}
	for _, key := range slices.Compact(ask) {
		var found []store.VersionedRecord[V]
		add := func(r store.VersionedRecord[V], ok bool, err error) error {
			same := func(o store.VersionedRecord[V]) bool { return o.Timestamp == r.Timestamp }
			if ok && !slices.ContainsFunc(found, same) {
				found = append(found, r)
			}
			return err
		}
		if err := add(s.Get(key)); err != nil {
			return nil, err
		}
		for _, at := range times {
			if err := add(s.GetAsOf(key, at)); err != nil {
				return nil, err
			}
		}
		for _, r := range found {
			c.Rows = append(c.Rows, []any{key, column(r.Value), r.Timestamp, nil})
		}
	}
	return c, nil
}
