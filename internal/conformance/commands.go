package conformance

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Store commands: a record's value is a call of its store, and each line of the
// answer is forwarded.

// commands makes a processor of what runs one command of a store.
func commands(run func(s any, words []string, timestamp int64) ([]string, error)) func(procContext, string, string) (func(rec) error, error) {
	return func(pc procContext, name, _ string) (func(rec) error, error) {
		s, err := pc.StateStore(name)
		if err != nil {
			return nil, err
		}
		return func(r rec) error {
			lines, err := run(s, strings.Split(text(r.Value), " "), r.Timestamp)
			if err != nil {
				return fmt.Errorf("store %q: %w", name, err)
			}
			return answer(pc, r, lines)
		}, nil
	}
}

func notOf(s any) error { return fmt.Errorf("conformance: a %T has other commands", s) }

// kvCommands runs the commands of key-value stores, with timestamps or without.
func kvCommands(s any, words []string, timestamp int64) ([]string, error) {
	switch s := s.(type) {
	case tsStore:
		return kvCommand(s, words, at(timestamp), stamped)
	case kvStore:
		return kvCommand(s, words, plain, text)
	}
	return nil, notOf(s)
}

// plain and at are what a store keeps for a value.
func plain(v value) value { return v }

func at(timestamp int64) func(value) store.ValueAndTimestamp[value] {
	return func(v value) store.ValueAndTimestamp[value] {
		return store.ValueAndTimestamp[value]{Value: v, Timestamp: timestamp}
	}
}

func answer(pc procContext, r rec, lines []string) error {
	for _, l := range lines {
		if err := pc.Forward(topology.WithValue(r, value(l))); err != nil {
			return err
		}
	}
	return nil
}

// word is an argument of a command; "null" is null.
func word(w string) value {
	if w == "null" {
		return nil
	}
	return w
}

func kvCommand[V any](s store.KeyValueStore[value, V], w []string, wrap func(value) V, show func(V) string) ([]string, error) {
	found := found(show)
	switch w[0] {
	case "put":
		return nil, s.Put(w[1], wrap(word(w[2])))
	case "putIfAbsent":
		return found(s.PutIfAbsent(w[1], wrap(w[2])))
	case "delete":
		return found(s.Delete(w[1]))
	case "get":
		return found(s.Get(w[1]))
	case "all":
		return drain(s.All(), show)
	case "reverseAll":
		return drain(s.ReverseAll(), show)
	case "range":
		return drain(s.Range(keyBound(w[1]), keyBound(w[2])), show)
	case "reverseRange":
		return drain(s.ReverseRange(keyBound(w[1]), keyBound(w[2])), show)
	case "prefix":
		return drain(s.PrefixScan([]byte(w[1])), show)
	}
	return nil, missing("store command " + w[0])
}

func drain[V any](it store.KeyValueIterator[value, V], show func(V) string) ([]string, error) {
	var lines []string
	for it.Next() {
		lines = append(lines, text(it.Key())+"="+show(it.Value()))
	}
	return append(lines, "end"), it.Close()
}
