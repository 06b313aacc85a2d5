package task

// heldList is a list of entries of the record cache. It needs no memory besides
// them: each entry has the links of both lists that it can be part of.
type heldList struct {
	which       int // of the links
	first, last *held
}

type links struct{ prev, next *held }

// remove takes h off the list, if it is in it.
func (l *heldList) remove(h *held) {
	at := &h.links[l.which]
	if at.prev == nil && l.first != h {
		return
	}
	if at.prev != nil {
		at.prev.links[l.which].next = at.next
	} else {
		l.first = at.next
	}
	if at.next != nil {
		at.next.links[l.which].prev = at.prev
	} else {
		l.last = at.prev
	}
	*at = links{}
}

// moveToBack makes h the last, whether or not it was in the list.
func (l *heldList) moveToBack(h *held) {
	if l.last == h {
		return
	}
	l.remove(h)
	h.links[l.which].prev = l.last
	if l.last != nil {
		l.last.links[l.which].next = h
	} else {
		l.first = h
	}
	l.last = h
}
