package conformance

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Store commands: a record's value is a call of its store, and each line of the
// answer is forwarded.

// kvCommands runs the commands of key-value stores, with timestamps or without.
func kvCommands(pc procContext, name, _ string) (func(rec) error, error) {
	s, err := pc.StateStore(name)
	if err != nil {
		return nil, err
	}
	return func(r rec) error {
		var lines []string
		words := strings.Split(text(r.Value), " ")
		switch s := s.(type) {
		case tsStore:
			lines, err = kvCommand(s, words, func(v value) store.ValueAndTimestamp[value] {
				return store.ValueAndTimestamp[value]{Value: v, Timestamp: r.Timestamp}
			}, stamped)
		case kvStore:
			lines, err = kvCommand(s, words, func(v value) value { return v }, text)
		default:
			err = fmt.Errorf("conformance: store %q is a %T", name, s)
		}
		if err != nil {
			return err
		}
		return answer(pc, r, lines)
	}, nil
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
	found := func(v V, ok bool, err error) ([]string, error) {
		if !ok {
			return []string{"null"}, err
		}
		return []string{show(v)}, err
	}
	bound := func(i int) *value {
		v := word(w[i])
		return &v
	}
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
		return drain(s.Range(bound(1), bound(2)), show)
	case "reverseRange":
		return drain(s.ReverseRange(bound(1), bound(2)), show)
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
