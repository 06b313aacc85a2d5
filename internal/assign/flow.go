package assign

// network is a directed graph with capacities and costs. Arcs come in pairs: arc
// e and its reverse e^1, whose capacity is the flow on e.
type network struct {
	arcs []arc
	out  [][]int32 // node -> arcs that leave it
	dist []int64
	next []int32 // node -> index in out of the first arc that may still carry flow
	path []bool  // node is on the path being searched
}

type arc struct {
	to   int32
	left int64 // capacity not used
	cost int64
}

func (n *network) node() int {
	n.out = append(n.out, nil)
	return len(n.out) - 1
}

// arc adds an arc and returns its number.
func (n *network) arc(from, to int, capacity, cost int64) int {
	e := len(n.arcs)
	n.arcs = append(n.arcs, arc{int32(to), capacity, cost}, arc{int32(from), 0, -cost})
	n.out[from] = append(n.out[from], int32(e))
	n.out[to] = append(n.out[to], int32(e+1))
	return e
}

func (n *network) flow(e int) int64 { return n.arcs[e^1].left }

// run finds a maximum flow of minimum cost by the primal-dual method: as long as
// there is a way to the sink, saturate the cheapest ways. The graph must have no
// cycle of negative cost.
func (n *network) run(source, sink int) {
	n.dist = make([]int64, len(n.out))
	n.next = make([]int32, len(n.out))
	n.path = make([]bool, len(n.out))
	for n.distances(source, sink) {
		clear(n.next)
		for n.push(source, sink, unreachable) > 0 {
		}
	}
}

const unreachable = int64(1) << 62

// distances computes the cost of the cheapest way from source to each node over
// arcs with capacity left (Bellman-Ford with a queue), and reports whether sink
// can be reached.
func (n *network) distances(source, sink int) bool {
	for i := range n.dist {
		n.dist[i] = unreachable
	}
	n.dist[source] = 0
	queue, queued := []int{source}, make([]bool, len(n.out))
	for len(queue) > 0 {
		u := queue[0]
		queue, queued[u] = queue[1:], false
		for _, e := range n.out[u] {
			a := n.arcs[e]
			if d := n.dist[u] + a.cost; a.left > 0 && d < n.dist[a.to] {
				n.dist[a.to] = d
				if !queued[a.to] {
					queue, queued[a.to] = append(queue, int(a.to)), true
				}
			}
		}
	}
	return n.dist[sink] < unreachable
}

// push sends up to limit from u to sink along cheapest ways and returns how much
// went through.
func (n *network) push(u, sink int, limit int64) int64 {
	if u == sink {
		return limit
	}
	n.path[u] = true
	defer func() { n.path[u] = false }()
	sent := int64(0)
	for ; int(n.next[u]) < len(n.out[u]); n.next[u]++ {
		e := n.out[u][n.next[u]]
		a := &n.arcs[e]
		if a.left == 0 || n.path[a.to] || n.dist[a.to] != n.dist[u]+a.cost {
			continue
		}
		f := n.push(int(a.to), sink, min(limit-sent, a.left))
		a.left -= f
		n.arcs[e^1].left += f
		sent += f
		if sent == limit {
			break // this arc may carry more
		}
	}
	return sent
}
