package assign

import "slices"

// HandOver returns what each member gets in this generation on the way to
// target: all that it is to have, less what somebody else still owns. The owner
// does not get it either, gives it up, joins again, and finds it assigned then,
// so that no task ever runs in two places. A member that owns what a member of a
// later generation owns too does not hold that one up.
func HandOver(target map[string][]Task, members []Member) map[string][]Task {
	type claim struct {
		generation int32
		id         string
	}
	claims := make(map[Task][]claim)
	for _, m := range members {
		for _, t := range m.Owned {
			claims[t] = append(claims[t], claim{m.Generation, m.ID})
		}
	}
	free := func(t Task, id string) bool {
		own := slices.IndexFunc(claims[t], func(c claim) bool { return c.id == id })
		for i, c := range claims[t] {
			if i != own && (own < 0 || c.generation >= claims[t][own].generation) {
				return false
			}
		}
		return true
	}
	now := make(map[string][]Task, len(target))
	for id, tasks := range target {
		now[id] = slices.DeleteFunc(slices.Clone(tasks), func(t Task) bool { return !free(t, id) })
	}
	return now
}

// Without returns what a member owns that is not among tasks: what it has to give
// up.
func (s *Subscription) Without(tasks []Task) []Task {
	return slices.DeleteFunc(slices.Clone(s.Owned), func(t Task) bool { return slices.Contains(tasks, t) })
}
