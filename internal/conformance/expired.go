package conformance

import (
	"encoding/json"
	"strconv"
	"strings"
)

// withoutExpired leaves rows of window and session stores out that have expired. With
// the record cache Java's stores show them as long as they are in the cache too; here
// what a store has is the same with and without it. Rows expire by the retention of the
// store, which its changelog topic tells.
func withoutExpired(t, golden tree) tree {
	out := tree{}
	for name, part := range t {
		switch part, _ := part.(tree); name {
		case "stores":
			out[name] = liveStores(part, golden)
			continue
		case "checks":
			checks := tree{}
			for at, stores := range part {
				stores, _ := stores.(tree)
				checks[at] = liveStores(stores, golden)
			}
			out[name] = checks
			continue
		}
		out[name] = part
	}
	return out
}

func liveStores(stores, golden tree) tree {
	out := tree{}
	for name, s := range stores {
		content, _ := s.(tree)
		rows, _ := content["rows"].([]any)
		retention, ok := retentionOf(golden, name)
		if kind := content["type"]; !ok || kind != "window" && kind != "session" {
			out[name] = s
			continue
		}
		last := int64(0)
		for _, r := range rows {
			last = max(last, rowTime(content["type"], r))
		}
		live := []any{}
		for _, r := range rows {
			if rowTime(content["type"], r) > last-retention {
				live = append(live, r)
			}
		}
		out[name] = tree{"type": content["type"], "rows": live}
	}
	return out
}

func rowTime(kind, row any) int64 {
	at := "start"
	if kind == "session" {
		at = "end"
	}
	columns, _ := row.([]any)
	key, _ := columns[0].(tree)
	n, _ := key[at].(json.Number)
	t, _ := n.Int64()
	return t
}

// retentionOf is the retention of a store by the configuration of its changelog topic,
// which has a day more.
func retentionOf(golden tree, store string) (retention int64, ok bool) {
	topics, _ := golden["topics"].([]any)
	for _, t := range topics {
		t, _ := t.(tree)
		name, _ := t["topic"].(string)
		config, _ := t["config"].(tree)
		ms, _ := config["retention.ms"].(string)
		if strings.HasSuffix(name, "-"+store+"-changelog") {
			n, err := strconv.ParseInt(ms, 10, 64)
			return n - 24*60*60*1000, err == nil
		}
	}
	return 0, false
}
