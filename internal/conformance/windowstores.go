package conformance

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/streamweir/streamweir/store"
)

type (
	windowStore   = store.WindowStore[value, value]
	tsWindowStore = store.TimestampedWindowStore[value, value]
	sessionStore  = store.SessionStore[value, value]
)

// ms is a duration of a scenario; the greatest number is no limit.
func ms(n int64) time.Duration {
	d := time.Duration(n) * time.Millisecond
	if d.Milliseconds() != n {
		return store.Forever
	}
	return d
}

// segmentedStore describes a window, session or versioned store of a processor; nil
// if it is another kind.
func segmentedStore(s *storeSpec, key, val dynamic, opts []store.Option) store.Builder {
	switch s.Type {
	case "window":
		if s.RetainDuplicates {
			opts = append(opts, store.RetainDuplicates())
		}
		return store.Windows[value, value](s.Name, key, val, ms(s.RetentionMs), ms(s.WindowSizeMs), opts...)
	case "session":
		return store.Sessions[value, value](s.Name, key, val, ms(s.RetentionMs), opts...)
	case "versioned":
		return store.VersionedKeyValue[value, value](s.Name, key, val, ms(s.HistoryMs), versionedOptions(s, opts)...)
	}
	return nil
}

// windowCommands runs the commands of window stores.
func windowCommands(s any, words []string, timestamp int64) ([]string, error) {
	switch s := s.(type) {
	case windowStore:
		return windowCommand(s, words, plain, text)
	case tsWindowStore:
		return windowCommand(s, words, at(timestamp), stamped)
	}
	return nil, notOf(s)
}

func windowCommand[V any](s store.WindowStore[value, V], w []string, wrap func(value) V, show func(V) string) ([]string, error) {
	n := func(i int) int64 { return atoi(w[i]) }
	switch w[0] {
	case "put":
		return nil, s.Put(w[1], wrap(word(w[2])), n(3))
	case "get":
		return found(show)(s.Get(w[1], n(2)))
	case "fetch":
		return drainStarts(s.Fetch(w[1], n(2), n(3)), show)
	case "backwardFetch":
		return drainStarts(s.BackwardFetch(w[1], n(2), n(3)), show)
	case "fetchRange":
		return drainWindows(s.FetchRange(keyBound(w[1]), keyBound(w[2]), n(3), n(4)), show)
	case "backwardFetchRange":
		return drainWindows(s.BackwardFetchRange(keyBound(w[1]), keyBound(w[2]), n(3), n(4)), show)
	case "fetchAll":
		return drainWindows(s.FetchAll(n(1), n(2)), show)
	case "backwardFetchAll":
		return drainWindows(s.BackwardFetchAll(n(1), n(2)), show)
	case "all":
		return drainWindows(s.All(), show)
	case "backwardAll":
		return drainWindows(s.BackwardAll(), show)
	}
	return nil, missing("store command " + w[0])
}

// sessionCommands runs the commands of session stores.
func sessionCommands(s any, words []string, _ int64) ([]string, error) {
	if s, ok := s.(sessionStore); ok {
		return sessionCommand(s, words)
	}
	return nil, notOf(s)
}

func sessionCommand(s sessionStore, w []string) ([]string, error) {
	n := func(i int) int64 { return atoi(w[i]) }
	session := func(i int) store.Windowed[value] {
		return store.Windowed[value]{Key: w[1], Window: store.Window{Start: n(i), End: n(i + 1)}}
	}
	switch w[0] {
	case "put":
		return nil, s.Put(session(3), word(w[2]))
	case "remove":
		return nil, s.Remove(session(2))
	case "fetchSession":
		return found(text)(s.FetchSession(w[1], n(2), n(3)))
	case "findSessions":
		return drainWindows(s.FindSessions(w[1], n(2), n(3)), text)
	case "backwardFindSessions":
		return drainWindows(s.BackwardFindSessions(w[1], n(2), n(3)), text)
	case "findSessionsRange":
		return drainWindows(s.FindSessionsRange(keyBound(w[1]), keyBound(w[2]), n(3), n(4)), text)
	case "fetch":
		return drainWindows(s.Fetch(w[1]), text)
	case "backwardFetch":
		return drainWindows(s.BackwardFetch(w[1]), text)
	case "fetchRange":
		return drainWindows(s.FetchRange(keyBound(w[1]), keyBound(w[2])), text)
	}
	return nil, missing("store command " + w[0])
}

func found[V any](show func(V) string) func(V, bool, error) ([]string, error) {
	return func(v V, ok bool, err error) ([]string, error) {
		if !ok {
			return []string{"null"}, err
		}
		return []string{show(v)}, err
	}
}

func keyBound(w string) *value {
	v := word(w)
	return &v
}

func drainStarts[V any](it store.KeyValueIterator[int64, V], show func(V) string) ([]string, error) {
	var lines []string
	for it.Next() {
		lines = append(lines, strconv.FormatInt(it.Key(), 10)+"="+show(it.Value()))
	}
	return append(lines, "end"), it.Close()
}

func drainWindows[V any](it store.KeyValueIterator[store.Windowed[value], V], show func(V) string) ([]string, error) {
	var lines []string
	for it.Next() {
		lines = append(lines, it.Key().String()+"="+show(it.Value()))
	}
	return append(lines, "end"), it.Close()
}

// dumpWindows reads a whole window or session store, in its order; nil if the store is
// of another kind.
func dumpWindows(s any) (*content, error) {
	plain := func(v value) []any { return []any{jsonOf(v)} }
	switch s := s.(type) {
	case windowStore:
		return windowRows("window", s.All(), plain)
	case tsWindowStore:
		return windowRows("window", s.All(), func(v store.ValueAndTimestamp[value]) []any { return []any{jsonOf(v.Value), v.Timestamp} })
	case store.TimestampedWindowStore[value, int64]:
		return windowRows("window", s.All(), func(v store.ValueAndTimestamp[int64]) []any { return []any{v.Value, v.Timestamp} })
	case sessionStore:
		return windowRows("session", s.FetchRange(nil, nil), plain)
	case store.SessionStore[value, int64]:
		return windowRows("session", s.FetchRange(nil, nil), func(v int64) []any { return []any{v} })
	}
	return nil, nil
}

func windowRows[V any](kind string, it store.KeyValueIterator[store.Windowed[value], V], columns func(V) []any) (*content, error) {
	c := &content{Type: kind, Rows: [][]any{}}
	for it.Next() {
		c.Rows = append(c.Rows, append([]any{jsonOfWindowed(it.Key())}, columns(it.Value())...))
	}
	return c, it.Close()
}

// jsonOfWindowed is a windowed key as goldens have it.
func jsonOfWindowed(k store.Windowed[value]) map[string]any {
	number := func(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
	return map[string]any{"key": jsonOf(k.Key), "start": number(k.Window.Start), "end": number(k.Window.End)}
}
