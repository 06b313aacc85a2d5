package state

// Commit makes what is pending committed: the task's transaction is part of the
// log now. next has, for each store with a changelog, the offset after its last
// record in the changelog; a store that is not in it stays where it is.
func (st *Set) Commit(next map[string]int64) {
	st.settle()
	for _, s := range st.stores {
		written := len(s.pending)
		s.commit()
		s.commitTimes(written)
		if p, ok := next[s.spec.Name]; ok {
			s.position = p
		}
	}
	st.pendingBytes = 0
	st.evict(evictAtCommit)
}

func (s *Store) commit() {
	if len(s.pending) == 0 {
		return
	}
	c := &s.set.cache
	s.mu.Lock()
	for i, e := range s.pending {
		// A flush under way may still be reading the value.
		if !e.inFlight {
			c.recycle(e.value)
		}
		e.value, e.known = e.pending, present
		if e.staged == deleted {
			e.known = absent
		}
		e.pending, e.staged = nil, untouched
		c.soil(e)
		c.measure(e)
		s.pending[i] = nil
	}
	s.mu.Unlock()
	s.pending = s.pending[:0]
}

// Abort drops what is pending: the task's transaction did not happen.
func (st *Set) Abort() {
	for _, s := range st.stores {
		s.abort()
	}
	st.pendingBytes = 0
}

func (s *Store) abort() {
	s.times.running = s.times.committed
	c := &s.set.cache
	for i, e := range s.pending {
		c.recycle(e.pending)
		e.pending, e.staged = nil, untouched
		c.measure(e)
		s.pending[i] = nil
	}
	s.pending = s.pending[:0]
}
