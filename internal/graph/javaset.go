package graph

// javaSet is java.util.TreeSet as far as Describe needs it. It cannot be a sorted
// slice: sizes grow while nodes are inserted, so that a set is not in order any
// more, and where the next node goes then depends on the shape of the red-black
// tree.
type javaSet struct{ root *javaNode }

type javaNode struct {
	d                   *described
	parent, left, right *javaNode
	red                 bool
}

// insert adds d where a walk down the tree leads by the sizes of this moment,
// unless the walk comes across d itself.
func (s *javaSet) insert(d *described) {
	var parent *javaNode
	at := &s.root
	for *at != nil {
		parent = *at
		switch c := compare(d, parent.d); {
		case c == 0:
			return
		case c < 0:
			at = &parent.left
		default:
			at = &parent.right
		}
	}
	n := &javaNode{d: d, parent: parent, red: true}
	*at = n
	s.balance(n)
}

// balance is TreeMap.fixAfterInsertion.
func (s *javaSet) balance(n *javaNode) {
	for n.parent != nil && n.parent.red {
		p, g := n.parent, n.parent.parent // a red node is not the root
		isLeft := p == g.left
		uncle := g.left
		if isLeft {
			uncle = g.right
		}
		if uncle != nil && uncle.red {
			p.red, uncle.red, g.red = false, false, true
			n = g
			continue
		}
		if inner := n == p.left; inner != isLeft {
			s.rotate(p, isLeft)
			p = n
		}
		p.red, g.red = false, true
		s.rotate(g, !isLeft)
		break
	}
	s.root.red = false
}

// rotate makes a child of n its parent: the right one to the left, or the left one
// to the right.
func (s *javaSet) rotate(n *javaNode, toLeft bool) {
	c := n.left
	if toLeft {
		c = n.right
	}
	inner := &c.right
	outer := &n.left
	if toLeft {
		inner, outer = &c.left, &n.right
	}
	*outer = *inner
	if *inner != nil {
		(*inner).parent = n
	}
	*inner = n
	switch c.parent = n.parent; {
	case n.parent == nil:
		s.root = c
	case n.parent.left == n:
		n.parent.left = c
	default:
		n.parent.right = c
	}
	n.parent = c
}

// list returns the nodes in the order of the tree.
func (s *javaSet) list() []*described { return s.root.list(nil) }

func (n *javaNode) list(to []*described) []*described {
	if n == nil {
		return to
	}
	return n.right.list(append(n.left.list(to), n.d))
}
