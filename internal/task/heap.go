package task

// byTime is a heap of queues by the timestamps of their first records. It moves them as
// java.util.PriorityQueue does: which of several queues with one timestamp comes first
// shows in the results.
type byTime []*queue

func (h *byTime) offer(q *queue) {
	*h = append(*h, q)
	s := *h
	k := len(s) - 1
	for k > 0 {
		parent := (k - 1) / 2
		if q.timestamp >= s[parent].timestamp {
			break
		}
		s[k] = s[parent]
		k = parent
	}
	s[k] = q
}

func (h *byTime) poll() *queue {
	s := *h
	n := len(s) - 1
	first, q := s[0], s[n]
	s[n] = nil
	s = s[:n]
	*h = s
	if n == 0 {
		return first
	}
	k := 0
	for k < n/2 {
		child := 2*k + 1
		if right := child + 1; right < n && s[child].timestamp > s[right].timestamp {
			child = right
		}
		if q.timestamp <= s[child].timestamp {
			break
		}
		s[k] = s[child]
		k = child
	}
	s[k] = q
	return first
}
