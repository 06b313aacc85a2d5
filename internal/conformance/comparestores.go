package conformance

import (
	"encoding/json"
	"maps"
	"slices"
)

// likeJavasDriver makes the stores of a golden and of a run comparable where Java's
// driver shows window stores of joins in ways of its own. It makes up timestamps for
// their rows, -1 or the start of the window, and cannot show windows of no length at
// all.
func likeJavasDriver(want, got tree) (tree, tree) {
	want, got = maps.Clone(want), maps.Clone(got)
	if w, ok := want["stores"].(tree); ok {
		g, _ := got["stores"].(tree)
		want["stores"], got["stores"] = comparable(w, g)
	}
	if w, ok := want["checks"].(tree); ok {
		g, _ := got["checks"].(tree)
		wants, gots := tree{}, maps.Clone(g)
		for i := range w {
			have, _ := g[i].(tree)
			wants[i], gots[i] = comparable(w[i].(tree), have)
		}
		want["checks"], got["checks"] = wants, gots
	}
	return want, got
}

func comparable(want, got tree) (tree, tree) {
	want, got = maps.Clone(want), maps.Clone(got)
	for name, s := range got {
		plain, isWindow := rowsOfWindows(s)
		w, shown := want[name]
		rows, _ := rowsOfWindows(w)
		switch {
		case !shown && isWindow && (len(plain) == 0 || noLength(plain[0])):
			delete(got, name)
		case isWindow && len(rows) > 0 && len(plain) > 0 && len(plain[0].([]any)) == 2:
			rows = slices.Clone(rows)
			for i, r := range rows {
				if r := r.([]any); len(r) == 3 && surrogate(r[0], r[2]) {
					rows[i] = r[:2]
				}
			}
			want[name] = tree{"type": "window", "rows": rows}
		}
	}
	return want, got
}

func rowsOfWindows(store any) (rows []any, ok bool) {
	s, _ := store.(tree)
	rows, _ = s["rows"].([]any)
	return rows, s["type"] == "window"
}

func noLength(row any) bool {
	k, ok := row.([]any)[0].(tree)
	return ok && k["start"] == k["end"]
}

func surrogate(key, ts any) bool {
	k, _ := key.(tree)
	return ts == json.Number("-1") || ts == k["start"]
}
